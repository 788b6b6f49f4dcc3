import threading
from dataclasses import replace
from pathlib import Path

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.errors import LinkRefused, StateError, TooManyLinks
from libvirt_webrtc.portal.auth.user import Limit, Method, User
from libvirt_webrtc.portal.issued import share_links
from libvirt_webrtc.portal.issued.secret_text import LINK_PREFIX, is_whole
from libvirt_webrtc.portal.issued.share_links import KEPT_S, ShareLinks
from tests.portal.fakes import OTHER_UUID, UUID
from tests.portal.issued.clocks import NOON, SetClocks

ANNA = User("anna", Method.PAM, frozenset({"staff"}))
BERT = User("bert", Method.PAM)


@pytest.fixture
def clocks() -> SetClocks:
    return SetClocks()


@pytest.fixture
def links(tmp_path: Path, clocks: SetClocks) -> ShareLinks:
    return ShareLinks(tmp_path, clocks.of_run())


def test_a_link_opens_one_domain_for_whoever_has_its_secret(links: ShareLinks, tmp_path: Path) -> None:
    made, text = links.create(UUID, Role.CONTROL, 3600, ANNA, once=False)
    assert is_whole(text, LINK_PREFIX)
    assert text not in links.file.path.read_text()
    again = ShareLinks(tmp_path, SetClocks().of_run())
    assert again.open(text) == made and again.open(text).opened == NOON
    user = made.user
    assert (user.name, user.method) == (f"link {made.id}", Method.LINK)
    assert user.limit == Limit(Role.CONTROL, (UUID,), ANNA, made.id)


def refused(links: ShareLinks, text: str) -> str:
    with pytest.raises(LinkRefused) as raised:
        links.open(text)
    return str(raised.value)


def test_one_that_ended_says_so_for_a_day(links: ShareLinks, clocks: SetClocks) -> None:
    _, text = links.create(UUID, Role.VIEW, 3600, ANNA, once=False)
    clocks.passed = 3600
    assert refused(links, text) == "Its time is over."
    clocks.passed += KEPT_S
    links.create(UUID, Role.VIEW, 3600, ANNA, once=False)
    assert refused(links, text).startswith("It was revoked")


def test_one_that_was_revoked_opens_nothing(links: ShareLinks) -> None:
    made, text = links.create(UUID, Role.VIEW, 3600, ANNA, once=False)
    other, other_text = links.create(UUID, Role.VIEW, 3600, ANNA, once=False)
    assert links.revoke(made.id) and not links.revoke(made.id)
    assert refused(links, text).startswith("It was revoked")
    assert links.open(other_text).id == other.id


def test_one_for_one_use_opens_once_even_where_many_try_at_the_same_time(links: ShareLinks) -> None:
    _, text = links.create(UUID, Role.VIEW, 3600, ANNA, once=True)
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            outcomes.append(links.open(text).role)
        except LinkRefused as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["It was for one use, and has been used."] * 7 + ["view"]


@pytest.mark.parametrize("text", ["", "lvs_", "\udfff", "lvw_x"])
def test_strange_secrets_are_merely_unknown(links: ShareLinks, text: str) -> None:
    assert refused(links, text).startswith("It was revoked")


def test_there_are_not_endlessly_many(
    links: ShareLinks, clocks: SetClocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_links, "MAX_OF_DOMAIN", 2)
    monkeypatch.setattr(share_links, "MAX_LINKS", 6)
    for _ in range(2):
        links.create(UUID, Role.VIEW, 3600, ANNA, once=False)
    with pytest.raises(TooManyLinks, match="others"):
        links.create(UUID, Role.VIEW, 3600, ANNA, once=False)
    links.create(OTHER_UUID, Role.VIEW, 3600, ANNA, once=False)
    with pytest.raises(TooManyLinks, match="you made 3 links that"):
        links.create(OTHER_UUID, Role.VIEW, 3600, ANNA, once=False)
    links.create(OTHER_UUID, Role.VIEW, 3600, BERT, once=False)
    clocks.passed = 3600
    links.create(UUID, Role.VIEW, 3600, ANNA, once=False)


def test_one_makers_links_leave_room_for_others(links: ShareLinks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_links, "MAX_OF_MAKER", 2)
    for number in range(2):
        # Groups change from one sign-in to the next.
        links.create(UUID, Role.VIEW, 3600, replace(ANNA, groups=frozenset({str(number)})), once=False)
    with pytest.raises(TooManyLinks, match="you made 2 links to this guest"):
        links.create(UUID, Role.VIEW, 3600, ANNA, once=False)
    links.create(UUID, Role.VIEW, 3600, BERT, once=False)


def test_links_that_have_ended_make_room(
    links: ShareLinks, clocks: SetClocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_links, "MAX_LINKS", 4)
    first, later = (links.create(UUID, Role.VIEW, seconds, ANNA, once=False)[1] for seconds in (60, 120))
    _, lasting = links.create(UUID, Role.VIEW, 3600, BERT, once=False)
    clocks.passed = 120
    for maker in (ANNA, BERT):
        links.create(UUID, Role.VIEW, 3600, maker, once=False)
    assert refused(links, first).startswith("It was revoked") and refused(links, later) == "Its time is over."
    assert links.open(lasting).owner == BERT


def test_a_role_that_no_link_has_makes_the_file_a_damaged_one(links: ShareLinks) -> None:
    links.create(UUID, Role.VIEW, 3600, ANNA, once=False)
    path = links.file.path
    path.write_text(path.read_text().replace('"view"', '"admin"'))
    with pytest.raises(StateError, match="damaged.*view or control"):
        links.file.read()
