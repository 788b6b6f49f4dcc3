"""What a viewer holds goes up in a real QEMU, whatever happens to QEMU, the display and the worker.

QEMU itself lifts keys, but not buttons, when a listener ends, and so when a worker does.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.worker.console_input import ConsoleInput
from libvirt_webrtc.worker.input_channel import InputChannel
from libvirt_webrtc.worker.process import WorkerProcess
from tests.display.guest import eventually
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.guest import KEY_A_DOWN, KEY_A_UP, SETTINGS
from tests.worker.input_viewer import PING, button, key
from tests.worker.viewer_client import ViewerClient

LATE_S = 6
"""Seconds that QEMU stands still: longer than any other call to it is waited for."""

HELD = ["a 1", "left 1", "right 1"]
LIFTED = {"a 0", "left 0", "right 0"}


class Traced(Qemu):
    """A QEMU that notes the keys and buttons that it gives to its guest."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "trace"
        super().__init__(
            *("-device", "VGA", "-D", str(self._log)),
            *("-trace", "enable=input_event_btn", "-trace", "enable=input_event_key_qcode"),
        )

    def events(self) -> list[str]:
        """``a 1`` for key A down, ``left 0`` for the left button up, and so on."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [f"{line.split()[-3].rstrip(',')} {line.split()[-1]}" for line in lines]


@pytest.fixture
async def guest(tmp_path: Path) -> AsyncIterator[Traced]:
    async with Traced(tmp_path) as running:
        yield running


async def hold(guest: Traced, worker: WorkerProcess, viewer: ViewerClient) -> None:
    """A viewer of this worker holds a key and two buttons."""
    await worker.use_display((await guest.open_display()).detach())
    await until(lambda: worker.consoles != ())
    await viewer.take(await soon(worker.offer("viewer", 0, await viewer.offer(), ADMIN)))
    await until(lambda: viewer.channels["input"].readyState == "open")
    before = len(guest.events())
    for message in (KEY_A_DOWN, button(0, True), button(2, True)):
        viewer.channels["input"].send(message)
    await eventually(lambda: guest.events()[before:] == HELD, "all are down")


async def lifted(guest: Traced) -> None:
    def all_up() -> bool:
        events = guest.events()
        return set(events[len(events) - events[::-1].index(HELD[-1]) :]) >= LIFTED

    await eventually(all_up, "all are up")


async def test_the_next_worker_lifts_what_a_killed_one_left_down(
    guest: Traced, patched_aiortc: None, viewer: ViewerClient
) -> None:
    first = await WorkerProcess.start(SETTINGS)
    await hold(guest, first, viewer)
    os.kill(first.pid, signal.SIGKILL)
    await soon(first.exited.wait())
    await first.close()
    second = await WorkerProcess.start(SETTINGS)
    await second.use_display((await guest.open_display()).detach())
    await lifted(guest)
    await second.close()


@pytest.mark.parametrize("qemu", ["runs", "stands still"])
async def test_a_worker_that_ends_lifts_what_is_held(
    guest: Traced, patched_aiortc: None, viewer: ViewerClient, qemu: str
) -> None:
    worker = await WorkerProcess.start(SETTINGS)
    await hold(guest, worker, viewer)
    if qemu == "stands still":
        guest.process.send_signal(signal.SIGSTOP)
    await worker.close()
    guest.process.send_signal(signal.SIGCONT)
    await lifted(guest)


async def test_input_goes_on_after_qemu_answered_late(guest: Traced) -> None:
    display = await Display.open(await guest.open_display())
    console = display.consoles[0]
    shared = ConsoleInput()
    shared.attach(console.keyboard, console.mouse)
    viewer = InputChannel(shared, Role.CONTROL)
    guest.process.send_signal(signal.SIGSTOP)
    viewer.feed(KEY_A_DOWN)
    for _ in range(LATE_S):
        await asyncio.sleep(1)
        viewer.feed(PING)
    guest.process.send_signal(signal.SIGCONT)
    viewer.feed(KEY_A_UP)
    viewer.feed(key("KeyB", True))
    await eventually(lambda: guest.events()[-3:] == ["a 1", "a 0", "b 1"], "the keys have come")
    await viewer.close()
    await eventually(lambda: guest.events()[-1] == "b 0", "the key is up")
    await shared.close()
    display.close()
