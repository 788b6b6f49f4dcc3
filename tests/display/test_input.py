"""Keys, buttons and motion, as a real guest gets them."""

from functools import partial

import pytest

from libvirt_webrtc.display.console import Console
from libvirt_webrtc.errors import InputRejected
from tests.display.guest import Guest, eventually, tap


async def test_a_hundred_keys_arrive_whole_and_in_order(qemu: Guest, console: Console) -> None:
    await qemu.booted()
    keys = [0x10 + number % 0x20 for number in range(100)]
    expected = b"".join(bytes([key, key | 0x80]) for key in keys)
    for start in range(0, len(keys), 7):
        # The keyboard's queue has 16 bytes: a guest that gets no CPU time for long would lose more.
        await tap(console, *keys[start : start + 7])
        sent = min(start + 7, len(keys)) * 2
        await eventually(partial(qemu.has_read, sent), f"{sent} codes are read")
    assert qemu.scan_codes() == expected


async def test_extended_keys_are_prefixed(qemu: Guest, console: Console) -> None:
    await qemu.booted()
    await tap(console, 0xC8)
    await eventually(lambda: len(qemu.scan_codes()) >= 4, "the key is read")
    assert qemu.scan_codes() == b"\xe0\x48\xe0\xc8"


async def test_keys_and_buttons_out_of_range_never_reach_qemu(console: Console) -> None:
    for qnum in (0, -1, 0x100):
        with pytest.raises(InputRejected):
            await console.keyboard.press(qnum)
    for button in (-1, 7, 1000):
        with pytest.raises(InputRejected):
            await console.mouse.press(button)


async def test_a_mouse_moves_by_motion_and_refuses_positions(console: Console) -> None:
    assert not console.mouse.is_absolute
    await console.mouse.rel_motion(3, -4)
    await console.mouse.press(0)
    await console.mouse.release(0)
    with pytest.raises(InputRejected):
        await console.mouse.set_abs_position(1, 1)
    with pytest.raises(InputRejected):
        await console.mouse.rel_motion(1 << 20, 0)
