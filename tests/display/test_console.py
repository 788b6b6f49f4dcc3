"""The whole display against real QEMUs. The guest is a boot sector: see keys_and_modes.s."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.console import Console, Display
from libvirt_webrtc.display.listener import Listener, ScanoutMode
from libvirt_webrtc.display.registrations import RegistrationBudget
from libvirt_webrtc.errors import DisplayError, InputRejected
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.display.peer import open_fds
from tests.display.test_listener import Sink
from tests.support.emulators import Emulator
from tests.support.qmp import DEADLINE_S, Qemu

F1, F2, F3, F4, F5 = range(0x3B, 0x40)


OTHER_USER = """
import asyncio, os, socket, sys
from libvirt_webrtc.display.console import Display

async def main():
    os.setuid(65534)
    display = await Display.open(socket.socket(fileno=int(sys.argv[1])))
    print(os.getuid(), display.name)
    display.close()

asyncio.run(main())
"""


class Guest(Qemu):
    """A QEMU that runs the boot sector; what the keyboard sent is in ``scan_codes``."""

    def __init__(self, disk: Path, emulator: Emulator, *arguments: str, display: str = "dbus,p2p=on") -> None:
        super().__init__(
            *("-device", "VGA", "-drive", f"file={disk},format=raw,if=ide,snapshot=on"),
            *arguments,
            emulator=str(emulator.path),
            display=display,
        )
        self._log = self.folder / "debugcon"
        self._arguments += ("-debugcon", f"file:{self._log}")

    def scan_codes(self) -> bytes:
        """All since the guest runs; empty before."""
        _, ready, codes = self._log.read_bytes().partition(b"!") if self._log.exists() else (b"", b"", b"")
        return ready and codes

    def has_read(self, count: int) -> bool:
        return len(self.scan_codes()) >= count

    async def booted(self) -> None:
        await eventually(lambda: self._log.exists() and b"!" in self._log.read_bytes(), "the guest runs")


async def eventually(probe: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not probe():
        assert time.monotonic() < end, f"{what}: never happened"
        await asyncio.sleep(0.02)


@pytest.fixture
async def qemu(disk: Path, emulator: Emulator) -> AsyncIterator[Guest]:
    async with Guest(disk, emulator) as running:
        yield running


@pytest.fixture
async def display(qemu: Guest) -> AsyncIterator[Display]:
    opened = await Display.open(await qemu.open_display())
    yield opened
    opened.close()


@pytest.fixture
def console(display: Display) -> Console:
    return display.consoles[0]


async def show(console: Console) -> Listener:
    listener = Listener(Framebuffer(), Sink())
    await console.register_listener(listener)
    return listener


async def tap(console: Console, *qnums: int) -> None:
    for qnum in qnums:
        await console.keyboard.press(qnum)
        await console.keyboard.release(qnum)


def size(listener: Listener) -> tuple[int, int] | None:
    """The picture's; None before the first."""
    picture = listener.framebuffer
    return (picture.width, picture.height) if picture.width else None


def shows(console: Console, listener: Listener, expected: tuple[int, int]) -> bool:
    return size(listener) == expected == (console.width, console.height)


async def test_the_tree_tells_the_vm_and_its_console(display: Display, console: Console) -> None:
    assert display.name.startswith("QEMU") and display.uuid == "00000000-0000-0000-0000-000000000000"
    assert list(display.consoles) == [0]
    assert (console.label, console.kind) == ("VGA", "Graphic")
    assert console.width > 0 and console.height > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_a_process_of_another_user_can_use_a_socket_made_for_it(qemu: Guest) -> None:
    """As a worker without privileges does, whose control socket the system's libvirtd made."""
    with await qemu.open_display() as sock:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OTHER_USER, str(sock.fileno())),
            cwd=Path(__file__).parents[2],
            pass_fds=[sock.fileno()],
            stdout=subprocess.PIPE,
        )
    said, _ = await worker.communicate()
    assert said.startswith(b"65534 QEMU")


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


async def test_fds_are_gone_after_closing(qemu: Guest) -> None:
    before = open_fds()
    display = await Display.open(await qemu.open_display())
    listener = await show(display.consoles[0])
    await eventually(partial(size, listener), "the first picture")
    display.close()
    display.close()
    # A mapped picture holds one for as long as it is kept.
    del listener
    assert open_fds() == before


async def test_another_client_takes_the_display_and_the_picture_goes_on(
    qemu: Guest, console: Console, display: Display
) -> None:
    listener = await show(console)
    await qemu.booted()
    other = await Display.open(await qemu.open_display())
    await display.wait_closed()
    with pytest.raises(DisplayError):
        await console.keyboard.press(0x1E)
    other.consoles[0].adopt(listener)
    await tap(other.consoles[0], F1)
    await eventually(lambda: size(listener) == (640, 480), "640x480")
    assert not listener.closed
    other.close()


async def test_qemu_that_is_stopped_times_out_and_leaves_nothing(
    qemu: Guest, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Bus.call

    async def hasty(bus: object, *arguments: object, **options: object) -> object:
        return await call(bus, *arguments, **(options | {"timeout_s": 0.1}))  # type: ignore[arg-type]

    monkeypatch.setattr(Bus, "call", hasty)
    before = open_fds()
    qemu.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(DisplayError, match="not answered"):
            await show(console)
    finally:
        qemu.process.send_signal(signal.SIGCONT)
    assert open_fds() == before


async def test_qemu_that_dies_closes_display_and_listener(
    qemu: Guest, console: Console, display: Display
) -> None:
    listener = await show(console)
    qemu.process.kill()
    await display.wait_closed()
    assert listener.bus is not None
    await listener.bus.wait_closed()


async def test_registrations_are_limited_over_all_connections_to_one_qemu(qemu: Guest) -> None:
    told: list[int] = []
    budget = RegistrationBudget(5, limit=7, on_use=told.append)
    first = await Display.open(await qemu.open_display(), registrations=budget)
    await show(first.consoles[0])
    second = await Display.open(await qemu.open_display(), registrations=budget)
    await show(second.consoles[0])
    with pytest.raises(DisplayError, match="registered 7 times"):
        await show(second.consoles[0])
    assert told == [6, 7]
    first.close()
    second.close()
