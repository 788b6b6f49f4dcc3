"""The demo guests under a bare QEMU: do they show and do what picture.py says?"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from examples.guests.blocks import Key
from examples.guests.comparison import compare
from examples.guests.layout import Pointer, Rgb, dynamic_mask
from examples.guests.picture import expected
from examples.guests.reading import read_key_count, read_keys, read_nonce, read_patch, read_pointer
from tests.guests.boot import NONCE, Boot
from tests.guests.qmp import DEADLINE_S, Guest
from tests.support.waiting import wait_until

KINDS = pytest.mark.parametrize("kind", ["baremetal", "linux"])
QNUMS = {
    "a": 0x1E,
    "ret": 0x1C,
    "kp_enter": 0x9C,
    "pause": 0xC6,
    "print": 0x54,
    "right": 0xCD,
    "meta_r": 0xDC,
}
STILL_CPU_LIMIT = 0.05


def screen_when(guest: Guest, holds: Callable[[Rgb], bool], what: str) -> Rgb:
    """The first screen that holds; input takes a moment to be painted."""
    seen: list[Rgb] = []

    def look() -> bool:
        seen[:] = [guest.screen()]
        return holds(seen[0])

    wait_until(look, what, DEADLINE_S)
    return seen[0]


def is_exactly(
    *, keys: Sequence[Key] = (), pointer: Pointer | None = None, words: bool = False
) -> Callable[[Rgb], bool]:
    def check(screen: Rgb) -> bool:
        height, width = screen.shape[:2]
        return np.array_equal(screen, expected(width, height, NONCE, words=words, keys=keys, pointer=pointer))

    return check


def counts(keys: list[Key]) -> Callable[[Rgb], bool]:
    return lambda screen: read_key_count(screen) == len(keys)


def has_pointer(pointer: Pointer) -> Callable[[Rgb], bool]:
    return lambda screen: read_pointer(screen) == pointer


def differs_from(old: Rgb) -> Callable[[Rgb], bool]:
    return lambda screen: not np.array_equal(screen, old)


@KINDS
@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (1920, 1080)])
def test_still_picture_is_exact(boot: Boot, kind: str, size: tuple[int, int]) -> None:
    guest = boot(kind, f"run=still mode={size[0]}x{size[1]}")
    screen = screen_when(guest, is_exactly(), "the still picture is there")
    assert screen.shape == (size[1], size[0], 3)


@KINDS
def test_keys_arrive_in_order_and_toggle_the_patch(boot: Boot, kind: str) -> None:
    guest = boot(kind)
    keys: list[Key] = []
    for name, qnum in QNUMS.items():
        guest.key(name)
        keys += [Key(qnum, True), Key(qnum, False)]
    screen = screen_when(guest, counts(keys), "all keys arrived")
    assert read_keys(screen) == keys
    assert read_patch(screen) is bool(len(QNUMS) % 2)
    screen_when(guest, is_exactly(keys=keys), "the picture shows them")


def test_relative_pointer_moves_presses_and_scrolls(boot: Boot) -> None:
    guest = boot("baremetal", "run=still mode=1024x768")
    guest.send(
        {"type": "rel", "data": {"axis": "x", "value": -30}},
        {"type": "rel", "data": {"axis": "y", "value": 12}},
    )
    x, y = 512 - 30, 384 + 12
    screen_when(guest, has_pointer(Pointer(x, y)), "it moved")
    # One at a time: QEMU's PS/2 mouse holds four packets, and keeps a fifth back until something else happens.
    for button, down, want in (
        ("right", True, Pointer(x, y, 0b0100)),
        ("wheel-up", True, Pointer(x, y, 0b0100, 1)),
        ("wheel-up", False, Pointer(x, y, 0b0100, 1)),
        ("side", True, Pointer(x, y, 0b1100, 1)),
    ):
        guest.send({"type": "btn", "data": {"button": button, "down": down}})
        screen_when(guest, is_exactly(pointer=want), "the pointer is there")


def test_absolute_pointer_is_exact_to_the_pixel(boot: Boot) -> None:
    guest = boot("linux", "run=still mode=1024x768")
    # Not (0, 0) first: a tablet starts there, and Linux tells of changes only.
    for x, y in ((1023, 767), (0, 0), (333, 211)):
        # As QEMU's displays scale a place on a screen of this size.
        for axis, value, size in (("x", x, 1024), ("y", y, 768)):
            guest.send({"type": "abs", "data": {"axis": axis, "value": value * 0x7FFF // size}})
        at = Pointer(x, y)
        screen = screen_when(guest, has_pointer(at), "the pointer is there")
        assert compare(screen, NONCE).ok
    for button, down in (("middle", True), ("wheel-down", True), ("wheel-down", False)):
        guest.send({"type": "btn", "data": {"button": button, "down": down}})
    screen_when(guest, is_exactly(pointer=Pointer(333, 211, 0b10, -1)), "buttons and wheel arrived")


@KINDS
def test_f6_and_f7_change_the_size(boot: Boot, kind: str) -> None:
    guest = boot(kind)
    sizes = [(1024, 768), (1280, 800), (800, 600), *([(1023, 767)] if kind == "linux" else []), (1920, 1080)]
    keys: list[Key] = []
    for size in sizes:
        name, qnum = ("f7", 0x41) if size == (1920, 1080) else ("f6", 0x40)
        guest.key(name)
        keys += [Key(qnum, True), Key(qnum, False)]
        screen = screen_when(guest, is_exactly(keys=keys), f"the picture after {name} is exact")
        assert screen.shape == (size[1], size[0], 3)


@KINDS
def test_each_mode_keeps_the_rest_of_the_picture_and_still_ends_it(boot: Boot, kind: str) -> None:
    guest = boot(kind, "run=still mode=800x600")
    keys: list[Key] = []
    for name, moving in (("f2", "stage"), ("f3", "zone"), ("f4", "zone"), ("f5", "zone")):
        guest.key(name)
        keys += [Key(0x3A + int(name[1]), True), Key(0x3A + int(name[1]), False)]
        mask = ~dynamic_mask(800, 600, moving=moving)
        want = expected(800, 600, NONCE)
        screen = screen_when(guest, counts(keys), "the key arrived")
        assert np.array_equal(screen[mask], want[mask])
        screen_when(guest, differs_from(screen), "it moves")
    guest.key("f8")
    keys += [Key(0x42, True), Key(0x42, False)]
    screen_when(guest, is_exactly(keys=keys, words=True), "the words are there")
    guest.key("f1")
    keys += [Key(0x3B, True), Key(0x3B, False)]
    screen_when(guest, is_exactly(keys=keys), "the still picture is back")


@KINDS
def test_demo_moves_only_the_stage(boot: Boot, kind: str) -> None:
    guest = boot(kind, "run=demo mode=800x600")
    first = guest.screen()
    later = screen_when(guest, differs_from(first), "it moves")
    mask = dynamic_mask(800, 600, moving="stage")
    assert np.array_equal(first[~mask], later[~mask])
    assert read_nonce(later) == NONCE
    assert compare(later, NONCE).ok


@KINDS
def test_still_guest_uses_no_cpu(boot: Boot, kind: str) -> None:
    guest = boot(kind)
    screen_when(guest, is_exactly(), "the still picture is there")

    def cpu_s() -> float:
        fields = Path(f"/proc/{guest.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    # A share of processor time, not a speed: a loaded machine only makes it smaller.
    before, began = cpu_s(), time.monotonic()
    time.sleep(4)
    assert (cpu_s() - before) / (time.monotonic() - began) < STILL_CPU_LIMIT
