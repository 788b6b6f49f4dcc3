from libvirt_webrtc.agent.most import of_most


def test_it_is_theirs_who_have_most_and_of_that_what_most_of_is() -> None:
    items = ["a1", "b1", "b2", "a1", "b1", "b3"]
    assert of_most(items, lambda item: item[0]) == ["b1", "b2", "b1", "b3"]
    assert of_most(items, lambda item: item[0], lambda item: item[1]) == ["b1", "b1"]


def test_all_of_several_that_have_as_many_are_there_in_their_order() -> None:
    assert of_most(["b2", "a1", "b1", "a1"], lambda item: item[0]) == ["b2", "a1", "b1", "a1"]
    assert of_most([], lambda item: item) == []
