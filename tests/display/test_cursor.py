"""A pointer's colours, whatever its driver takes alpha for."""

from libvirt_webrtc.display.cursor import straight_rgba


def test_colours_that_were_multiplied_by_alpha_are_divided() -> None:
    bgra = bytes((0, 64, 128, 128)) + bytes((10, 20, 30, 255)) + bytes(4)
    assert straight_rgba(bgra) == bytes((255, 128, 0, 128)) + bytes((30, 20, 10, 255)) + bytes(4)


def test_a_colour_brighter_than_its_alpha_was_not_multiplied() -> None:
    bgra = bytes((255, 255, 255, 128)) + bytes((0, 0, 40, 64))
    assert straight_rgba(bgra) == bytes((255, 255, 255, 128)) + bytes((40, 0, 0, 64))


def test_a_mask_of_two_colours_stays_as_it_is() -> None:
    bgra = bytes((255, 255, 255, 255)) + bytes((0, 0, 0, 255)) + bytes((7, 8, 9, 0))
    assert straight_rgba(bgra) == bytes((255, 255, 255, 255)) + bytes((0, 0, 0, 255)) + bytes((9, 8, 7, 0))
