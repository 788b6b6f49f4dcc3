"""A seat between a real QEMU and real viewers."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from libvirt_webrtc.display.console import Display
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.errors import ConsoleStarting, NegotiationError, NoConsole
from libvirt_webrtc.framebuffer import PixelFormat
from libvirt_webrtc.input import messages
from libvirt_webrtc.media import aiortc_ext
from libvirt_webrtc.media.aiortc_ext import ice
from libvirt_webrtc.worker import seat as seat_module
from libvirt_webrtc.worker.seat import Seat
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.qmp import Qemu
from tests.worker.viewer import Viewer

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)
KEY_A_DOWN, KEY_A_UP = b"\x01\x01KeyA", b"\x01\x00KeyA"


@pytest.fixture(autouse=True)
def patched_aiortc() -> Iterator[None]:
    aiortc_ext.install()
    yield
    ice.set_host_addresses(None)


@pytest.fixture
async def qemu() -> AsyncIterator[Qemu]:
    async with Qemu("-device", "VGA") as running:
        yield running


@pytest.fixture
async def display(qemu: Qemu) -> AsyncIterator[Display]:
    opened = await Display.open(await qemu.open_display())
    yield opened
    opened.close()


@pytest.fixture
async def seat(display: Display) -> AsyncIterator[Seat]:
    made = Seat(0, SETTINGS, GraphicsThread(), on_change=lambda: None, paused=False)
    made.attach(display.consoles[0])
    yield made
    await made.close()
    # Lets go of QEMU's memory, which pytest's references to the seat would keep mapped.
    made._framebuffer.scanout(1, 1, 4, PixelFormat.X8R8G8B8, bytes(4))


@pytest.fixture
async def viewer() -> AsyncIterator[Viewer]:
    async with Viewer() as made:
        yield made


async def admit(seat: Seat, viewer: Viewer, name: str = "viewer") -> None:
    await viewer.take(await soon(seat.admit(name, await viewer.offer(), [])))
    await until(lambda: messages.STATE in viewer.types and viewer.frames > 0)


async def test_a_viewer_is_told_size_mode_leds_and_cursor_in_order(seat: Seat, viewer: Viewer) -> None:
    seat.move_cursor(5, 6, True)
    seat.define_cursor(1, 1, 0, 0, b"\x01\x02\x03\x04")
    async with Viewer() as first:
        await admit(seat, first, "first")  # So that there is a picture, whose size the next is told at once.
        await until(lambda: seat.view().scanout is not None)
        await admit(seat, viewer)
        assert viewer.types[:7] == [
            messages.SIZE,
            messages.ENABLED,
            messages.POINTER_MODE,
            messages.LEDS,
            messages.CURSOR,
            messages.CURSOR_POSITION,
            messages.STATE,
        ]
        assert viewer.received[4] == messages.cursor(1, 1, 0, 0, b"\x03\x02\x01\x04")
        assert seat.view().viewers == 2
        seat.set_paused(True)
        await until(lambda: viewer.received[-1] == first.received[-1] == messages.state(True))
        assert await seat.dismiss("first") and not await seat.dismiss("first")
        assert seat.view().viewers == 1


async def test_a_viewer_that_leaves_is_forgotten(seat: Seat, viewer: Viewer) -> None:
    await admit(seat, viewer)
    await viewer.connection.close()
    await until(lambda: seat.view().viewers == 0)


async def test_a_refused_offer_leaves_no_viewer(seat: Seat) -> None:
    with pytest.raises(NegotiationError):
        await seat.admit("viewer", "hello", [])
    await until(lambda: seat.view().viewers == 0)


async def test_without_a_display_a_viewer_is_asked_to_come_again(seat: Seat, viewer: Viewer) -> None:
    seat.detach()
    seat.detach()
    with pytest.raises(ConsoleStarting, match="not connected"):
        await seat.admit("viewer", await viewer.offer(), [])


async def test_a_closed_display_is_starting_and_no_mistake(
    seat: Seat, display: Display, viewer: Viewer
) -> None:
    display.close()
    with pytest.raises(ConsoleStarting):
        await seat.admit("viewer", await viewer.offer(), [])


async def test_viewers_are_limited(seat: Seat, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seat_module, "MAX_VIEWERS", 1)
    await admit(seat, viewer)
    with pytest.raises(NoConsole, match="already has 1 viewers"):
        await seat.admit("another", await viewer.offer(), [])


async def test_a_reopened_display_keeps_the_listener_and_takes_input_again(
    seat: Seat, qemu: Qemu, display: Display, viewer: Viewer
) -> None:
    await admit(seat, viewer)
    registered = seat._listener
    again = await Display.open(await qemu.open_display())
    await soon(display.wait_closed())
    seat.detach()
    viewer.channels["input"].send(KEY_A_DOWN)
    calls: list[int] = []
    keyboard = again.consoles[0].keyboard
    original = keyboard.press

    async def press(qnum: int) -> None:
        await original(qnum)
        calls.append(qnum)

    keyboard.press = press  # type: ignore[method-assign]
    seat.attach(again.consoles[0])
    viewer.channels["input"].send(KEY_A_DOWN)
    viewer.channels["input"].send(KEY_A_UP)
    await until(lambda: calls[-1:] == [0x1E])
    assert seat._listener is registered and registered is not None and not registered.closed
    assert again.registrations == 0 and seat.view().viewers == 1
    await seat.close()
    again.close()


async def test_a_listener_that_ended_with_the_display_is_registered_again(
    seat: Seat, qemu: Qemu, viewer: Viewer
) -> None:
    """As up to QEMU 9.1, where another program's listener takes the place of ours."""
    await admit(seat, viewer)
    assert seat._listener is not None
    seat._listener.close()
    seat.detach()
    again = await Display.open(await qemu.open_display())
    seat.attach(again.consoles[0])
    await until(lambda: again.registrations == 1 and seat._listening)
    assert seat.view().viewers == 1
    await seat.close()
    again.close()


async def test_viewers_of_a_picture_that_does_not_come_back_are_disconnected(
    seat: Seat, qemu: Qemu, viewer: Viewer
) -> None:
    await admit(seat, viewer)
    assert seat._listener is not None
    seat._listener.close()
    seat.detach()
    again = await Display.open(await qemu.open_display())
    again.close()
    seat.attach(again.consoles[0])
    await until(lambda: seat.view().viewers == 0)


async def test_viewers_that_come_at_once_share_one_registration(seat: Seat, display: Display) -> None:
    async with Viewer() as one, Viewer() as two:
        await asyncio.gather(admit(seat, one, "one"), admit(seat, two, "two"))
    assert display.registrations == 1


async def test_closing_ends_every_viewer(seat: Seat, viewer: Viewer) -> None:
    await admit(seat, viewer)
    await soon(asyncio.gather(seat.close(), seat.close()))
    await soon(viewer.ended.wait())
    assert seat.view().viewers == 0


async def test_what_cannot_be_shown_is_logged_once_and_told_to_every_viewer(
    seat: Seat, viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        seat.unsupported("DMA-BUF")
    assert caplog.text.count("DMA-BUF") == 1
    await admit(seat, viewer)
    assert messages.problem("DMA-BUF") in viewer.received
    seat.unsupported("")
    await until(lambda: viewer.received[-1] == messages.problem(""))
