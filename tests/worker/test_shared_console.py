"""SharedConsoles between a real QEMU and real viewers."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from libvirt_webrtc.display.display import Display
from libvirt_webrtc.errors import ConsoleStarting, NegotiationError, NoConsole
from libvirt_webrtc.input import messages
from libvirt_webrtc.media.aiortc_ext import ice, patches
from libvirt_webrtc.picture.pixels import PixelFormat
from libvirt_webrtc.worker import shared_consoles as shared_consoles_module
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.shared_console import SharedConsole
from libvirt_webrtc.worker.shared_consoles import SharedConsoles
from tests.media.helpers import soon, until
from tests.support.qmp import Qemu
from tests.worker.viewer_client import ViewerClient

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)
KEY_A_DOWN, KEY_A_UP = b"\x01\x01KeyA", b"\x01\x00KeyA"


@pytest.fixture(autouse=True)
def patched_aiortc() -> Iterator[None]:
    patches.install()
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
def ended() -> list[str]:
    """The names of the viewers that ``shared_consoles`` reported as ended."""
    return []


@pytest.fixture
async def shared_consoles(display: Display, ended: list[str]) -> AsyncIterator[SharedConsoles]:
    made = SharedConsoles(SETTINGS, on_change=lambda: None, on_viewer_ended=ended.append)
    made.match(display.consoles)
    yield made
    await made.close()
    for shared in made._shared_consoles.values():
        # Lets go of QEMU's memory, which pytest's references to the shared would keep mapped.
        shared._framebuffer.scanout(1, 1, 4, PixelFormat.X8R8G8B8, bytes(4))


@pytest.fixture
def shared(shared_consoles: SharedConsoles) -> SharedConsole:
    return shared_consoles.find(0)


@pytest.fixture
async def viewer() -> AsyncIterator[ViewerClient]:
    async with ViewerClient() as made:
        yield made


async def admit(shared_consoles: SharedConsoles, viewer: ViewerClient, name: str = "viewer") -> None:
    await viewer.take(await soon(shared_consoles.admit(name, 0, await viewer.offer())))
    await until(lambda: messages.CONSOLES in viewer.types and viewer.frames > 0)


async def test_alternating_good_and_bad_pictures_do_not_fill_the_log(
    shared: SharedConsole, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1000):
        shared.unsupported(f"bad picture {number}")
        shared.unsupported("")
    assert caplog.messages == ["console 0: bad picture 0"]


async def test_a_viewer_is_told_size_mode_leds_and_cursor_in_order(
    shared_consoles: SharedConsoles, shared: SharedConsole, viewer: ViewerClient
) -> None:
    shared.move_cursor(5, 6, True)
    shared.define_cursor(1, 1, 0, 0, b"\x01\x02\x03\xff")
    async with ViewerClient() as first:
        await admit(
            shared_consoles, first, "first"
        )  # So that there is a picture, whose size the next is told at once.
        await until(lambda: shared.view().scanout is not None)
        await admit(shared_consoles, viewer)
        assert viewer.types[:8] == [
            messages.SIZE,
            messages.ENABLED,
            messages.POINTER_MODE,
            messages.LEDS,
            messages.CURSOR,
            messages.CURSOR_POSITION,
            messages.STATE,
            messages.CONSOLES,
        ]
        assert viewer.received[4] == messages.cursor(1, 1, 0, 0, b"\x03\x02\x01\xff")
        assert shared.view().viewers == 2
        shared_consoles.set_paused(True)
        await until(lambda: viewer.received[-1] == first.received[-1] == messages.state(True))
        assert await shared_consoles.dismiss("first") and not await shared_consoles.dismiss("first")
        assert shared.view().viewers == 1


async def test_a_viewer_that_leaves_is_forgotten_and_reported(
    shared_consoles: SharedConsoles, shared: SharedConsole, viewer: ViewerClient, ended: list[str]
) -> None:
    await admit(shared_consoles, viewer)
    assert ended == []
    await viewer.connection.close()
    await until(lambda: shared.view().viewers == 0 and ended == ["viewer"])


async def test_a_refused_offer_leaves_no_viewer(
    shared_consoles: SharedConsoles, shared: SharedConsole
) -> None:
    with pytest.raises(NegotiationError):
        await shared_consoles.admit("viewer", 0, "hello")
    await until(lambda: shared.view().viewers == 0)


async def test_without_a_display_a_viewer_is_asked_to_come_again(
    shared_consoles: SharedConsoles, viewer: ViewerClient
) -> None:
    shared_consoles.lose_display()
    shared_consoles.lose_display()
    with pytest.raises(ConsoleStarting, match="not connected"):
        await shared_consoles.admit("viewer", 0, await viewer.offer())


async def test_a_closed_display_is_starting_and_no_mistake(
    shared_consoles: SharedConsoles, display: Display, viewer: ViewerClient
) -> None:
    display.close()
    with pytest.raises(ConsoleStarting):
        await shared_consoles.admit("viewer", 0, await viewer.offer())


async def test_viewers_are_limited(
    shared_consoles: SharedConsoles, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_consoles_module, "MAX_VIEWERS", 1)
    await admit(shared_consoles, viewer)
    with pytest.raises(NoConsole, match="already has 1 viewers"):
        await shared_consoles.admit("another", 0, await viewer.offer())


async def test_a_reopened_display_keeps_the_listener_and_takes_input_again(
    shared_consoles: SharedConsoles, shared: SharedConsole, qemu: Qemu, display: Display, viewer: ViewerClient
) -> None:
    await admit(shared_consoles, viewer)
    registered = shared._listener
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
    assert shared._listener is registered and registered is not None and not registered.closed
    assert again.registrations.used == 0 and shared.view().viewers == 1
    await shared_consoles.close()
    again.close()


async def test_a_listener_that_ended_with_the_display_is_registered_again(
    shared_consoles: SharedConsoles, shared: SharedConsole, qemu: Qemu, viewer: ViewerClient
) -> None:
    """As up to QEMU 9.1, where another program's listener takes the place of ours."""
    await admit(shared_consoles, viewer)
    assert shared._listener is not None
    shared._listener.close()
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
    assert shared._listener is not None
    shared._listener.close()
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


async def test_closing_ends_every_viewer(
    shared_consoles: SharedConsoles, shared: SharedConsole, viewer: ViewerClient
) -> None:
    await admit(shared_consoles, viewer)
    await soon(asyncio.gather(shared_consoles.close(), shared_consoles.close()))
    await soon(viewer.ended.wait())
    assert shared.view().viewers == 0


async def test_what_cannot_be_shown_is_logged_once_and_told_to_every_viewer(
    shared_consoles: SharedConsoles,
    shared: SharedConsole,
    viewer: ViewerClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(3):
        shared.unsupported("DMA-BUF")
    assert caplog.text.count("DMA-BUF") == 1
    await admit(shared_consoles, viewer)
    assert messages.problem("DMA-BUF") in viewer.received
    shared.unsupported("")
    await until(lambda: messages.problem("") in viewer.received)


@pytest.fixture
async def two_consoles() -> AsyncIterator[tuple[Qemu, SharedConsoles]]:
    async with Qemu("-device", "virtio-vga,max_outputs=2") as qemu:
        display = await Display.open(await qemu.open_display())
        shared_consoles = SharedConsoles(
            SETTINGS, on_change=lambda: None, on_viewer_ended=lambda viewer: None
        )
        shared_consoles.match(display.consoles)
        yield qemu, shared_consoles
        await shared_consoles.close()
        display.close()
        for shared in shared_consoles._shared_consoles.values():
            shared._framebuffer.scanout(1, 1, 4, PixelFormat.X8R8G8B8, bytes(4))


async def test_a_second_head_is_registered_when_it_is_watched_and_once(
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
        await until(lambda: messages.enabled(False) in told)
        both = qemu.fds()
        assert both == alone + 1
        for watched in (b"\x09\x00", b"\x09\x01") * 3:
            channel.send(watched)
        channel.send(b"\x0a\x04\x00\x03\x00\x00\x00\x00\x00")
        await until(lambda: messages.resized(True) in told)
        assert qemu.fds() == both


async def test_standard_vga_takes_no_size(shared_consoles: SharedConsoles, viewer: ViewerClient) -> None:
    await admit(shared_consoles, viewer)
    viewer.channels["input"].send(b"\x0a\x04\x00\x03\x00\x00\x00\x00\x00")
    await until(lambda: messages.resized(False) in viewer.received)
