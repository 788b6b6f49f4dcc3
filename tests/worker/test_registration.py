"""The registration with a real QEMU outlives display connections and viewers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.errors import ConsoleStarting
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.picture.pixels import PixelFormat
from libvirt_webrtc.worker.shared_console import SharedConsole
from libvirt_webrtc.worker.shared_consoles import SharedConsoles
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.guest import KEY_A_DOWN, KEY_A_UP, SETTINGS, admit
from tests.worker.viewer_client import ViewerClient


async def test_without_a_display_a_viewer_is_asked_to_come_again(
    shared_consoles: SharedConsoles, viewer: ViewerClient
) -> None:
    shared_consoles.lose_display()
    shared_consoles.lose_display()
    with pytest.raises(ConsoleStarting, match="not connected"):
        await shared_consoles.admit("viewer", 0, await viewer.offer(), ADMIN)


async def test_a_closed_display_is_starting_and_no_mistake(
    shared_consoles: SharedConsoles, display: Display, viewer: ViewerClient
) -> None:
    display.close()
    with pytest.raises(ConsoleStarting):
        await shared_consoles.admit("viewer", 0, await viewer.offer(), ADMIN)


async def test_a_reopened_display_keeps_the_listener_and_takes_input_again(
    shared_consoles: SharedConsoles, shared: SharedConsole, qemu: Qemu, display: Display, viewer: ViewerClient
) -> None:
    await admit(shared_consoles, viewer)
    registered = shared.registration.listener
    again = await Display.open(await qemu.open_display())
    await soon(display.wait_closed())
    shared_consoles.lose_display()
    viewer.channels["input"].send(KEY_A_DOWN)
    calls: list[int] = []
    keyboard = again.consoles[0].keyboard
    original = keyboard.press

    async def press(qnum: int) -> None:
        await original(qnum)
        calls.append(qnum)

    keyboard.press = press  # type: ignore[method-assign]
    shared_consoles.match(again.consoles)
    viewer.channels["input"].send(KEY_A_DOWN)
    viewer.channels["input"].send(KEY_A_UP)
    await until(lambda: calls[-1:] == [0x1E])
    assert shared.registration.listener is registered and registered is not None and not registered.closed
    assert again.registrations.used == 0 and shared.view().viewers == 1
    await shared_consoles.close()
    again.close()


async def test_a_listener_that_ended_with_the_display_is_registered_again(
    shared_consoles: SharedConsoles, shared: SharedConsole, qemu: Qemu, viewer: ViewerClient
) -> None:
    """As up to QEMU 9.1, where another program's listener takes the place of ours."""
    await admit(shared_consoles, viewer)
    assert shared.registration.listener is not None
    shared.registration.listener.close()
    shared_consoles.lose_display()
    again = await Display.open(await qemu.open_display())
    shared_consoles.match(again.consoles)
    await until(lambda: again.registrations.used == 1 and shared.listening)
    assert shared.view().viewers == 1
    await shared_consoles.close()
    again.close()


async def test_viewers_of_a_picture_that_does_not_come_back_are_disconnected(
    shared_consoles: SharedConsoles, shared: SharedConsole, qemu: Qemu, viewer: ViewerClient
) -> None:
    await admit(shared_consoles, viewer)
    assert shared.registration.listener is not None
    shared.registration.listener.close()
    shared_consoles.lose_display()
    again = await Display.open(await qemu.open_display())
    again.close()
    shared_consoles.match(again.consoles)
    await until(lambda: shared.view().viewers == 0)


async def test_viewers_that_come_at_once_share_one_registration(
    shared_consoles: SharedConsoles, display: Display
) -> None:
    async with ViewerClient() as one, ViewerClient() as two:
        await asyncio.gather(admit(shared_consoles, one, "one"), admit(shared_consoles, two, "two"))
    assert display.registrations.used == 1


@pytest.fixture
async def two_consoles() -> AsyncIterator[tuple[Qemu, SharedConsoles]]:
    async with Qemu("-device", "virtio-vga,max_outputs=2") as qemu:
        display = await Display.open(await qemu.open_display())
        shared_consoles = SharedConsoles(SETTINGS, on_change=lambda: None, on_viewer_ended=lambda *_: None)
        shared_consoles.match(display.consoles)
        yield qemu, shared_consoles
        await shared_consoles.close()
        display.close()
        for shared in map(shared_consoles.find, (0, 1)):
            shared.framebuffer.scanout(1, 1, 4, PixelFormat.X8R8G8B8, bytes(4))


async def test_a_second_console_is_registered_when_it_is_watched_and_once(
    two_consoles: tuple[Qemu, SharedConsoles],
) -> None:
    qemu, shared_consoles = two_consoles
    second = shared_consoles.find(1)
    async with ViewerClient(sections=2) as viewer:
        await admit(shared_consoles, viewer)
        assert not second.listening and second.view().viewers == 0
        alone = qemu.fds()
        channel, told = viewer.open("input/1"), list[bytes]()
        viewer.open("display/1").on("message", told.append)
        await until(lambda: channel.readyState == "open")
        channel.send(b"\x09\x01")
        await until(lambda: viewer.shown[1] > 0 and second.view().viewers == 1)
        # Its output is off until somebody asks for a size: QEMU says so in letters.
        await until(lambda: display_messages.enabled(False) in told)
        both = qemu.fds()
        assert both == alone + 1
        for watched in (b"\x09\x00", b"\x09\x01") * 3:
            channel.send(watched)
        channel.send(b"\x0a\x04\x00\x03\x00\x00\x00\x00\x00")
        await until(lambda: display_messages.resized(True) in told)
        assert qemu.fds() == both


async def test_a_qemu_that_stands_still_is_not_waited_for_and_its_answer_is_used(
    shared_consoles: SharedConsoles,
    shared: SharedConsole,
    qemu: Qemu,
    display: Display,
    viewer: ViewerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "LISTEN_S", 0.1)
    offer = await viewer.offer()
    os.kill(qemu.process.pid, signal.SIGSTOP)
    try:
        for _ in range(2):
            with pytest.raises(ConsoleStarting, match="has not answered"):
                await soon(shared_consoles.admit("viewer", 0, offer, ADMIN))
    finally:
        os.kill(qemu.process.pid, signal.SIGCONT)
    await until(lambda: shared.listening)
    assert display.registrations.used == 1
