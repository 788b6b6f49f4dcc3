"""The picture of a real guest, from its modes."""

import asyncio
from functools import partial

from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.listener import ScanoutMode
from tests.display.guest import F1, F2, F3, F4, F5, Guest, eventually, show, shows, size, tap
from tests.support.emulators import Emulator


async def test_text_mode_comes_by_map_where_qemu_can(
    qemu: Guest, console: Console, emulator: Emulator
) -> None:
    listener = await show(console)
    await qemu.booted()
    await eventually(lambda: size(listener) == (720, 400), "the text mode is shown")
    assert listener.framebuffer.pixels.any()
    assert listener.mode is (ScanoutMode.MAP if emulator.maps_scanouts else ScanoutMode.COPY)
    assert listener.framebuffer.mapped is emulator.maps_scanouts
    assert listener.bus is not None and listener.bus.rejected == 0


async def test_registering_does_not_hold_qemu_up(qemu: Guest, console: Console) -> None:
    """Compares with what QEMU does to a listener that never answers: 25 s."""
    latencies: list[float] = []

    async def watch() -> None:
        while True:
            latencies.append(await qemu.latency())

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        for _ in range(5):
            listener = await show(console)
            await eventually(partial(size, listener), "the first picture")
        watching.cancel()
    print(f"QMP while registering: at most {max(latencies) * 1000:.1f} ms of {len(latencies)}")
    assert latencies


async def test_the_picture_follows_modes_up_and_down(qemu: Guest, console: Console) -> None:
    listener = await show(console)
    await qemu.booted()
    for key, expected in ((F3, (1024, 768)), (F1, (640, 480)), (F2, (800, 600)), (F4, (720, 400))):
        await tap(console, key)
        await eventually(partial(shows, console, listener, expected), f"{expected}")
    # Several at once, so that sizes and pictures, on their two connections, mix.
    await tap(console, F3, F4, F1, F3, F2, F4, F3, F1)
    await eventually(lambda: qemu.scan_codes().endswith(bytes([F1, F1 | 0x80])), "all keys are read")
    await eventually(partial(shows, console, listener, (640, 480)), "640x480")
    await tap(console, F5)
    await eventually(lambda: listener.framebuffer.pixels[:25].all(), "what the guest draws then")
    assert size(listener) == (640, 480)
    assert listener.bus is not None and listener.bus.rejected == 0


async def test_a_rectangle_is_damage_of_its_own(qemu: Guest, console: Console) -> None:
    listener = await show(console)
    await qemu.booted()
    await tap(console, F3)
    await eventually(partial(shows, console, listener, (1024, 768)), "1024x768")
    # Once drawn and seen, whole pictures of the mode change are through.
    await tap(console, F5)
    await eventually(lambda: listener.framebuffer.pixels[:16].all(), "the guest draws")
    damage = listener.framebuffer.subscribe(lambda: None)
    await tap(console, F5)
    await eventually(lambda: (listener.framebuffer.pixels[:16] == 0x2F).all(), "the guest draws again")
    (rect,) = damage.take()
    assert (rect.x, rect.y, rect.width, rect.height) == (0, 0, 1024, 16)
    assert not listener.framebuffer.pixels[16:].any()
