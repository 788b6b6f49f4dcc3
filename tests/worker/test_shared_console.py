"""One console of a real QEMU, and its real viewers."""

import asyncio
import logging
from dataclasses import replace

import pytest

from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.display.cursor import straight_rgba
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.errors import NegotiationError, TooManyViewers
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.worker import shared_consoles as shared_consoles_module
from libvirt_webrtc.worker.shared_console import SharedConsole
from libvirt_webrtc.worker.shared_consoles import SharedConsoles
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN, VIEWER
from tests.worker.guest import admit
from tests.worker.viewer_client import ViewerClient


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
        assert viewer.types[:9] == [
            display_messages.ROLE,
            display_messages.SIZE,
            display_messages.ENABLED,
            display_messages.POINTER_MODE,
            display_messages.LEDS,
            display_messages.CURSOR,
            display_messages.CURSOR_POSITION,
            display_messages.STATE,
            display_messages.CONSOLES,
        ]
        assert viewer.received[5] == display_messages.cursor(1, 1, 0, 0, b"\x03\x02\x01\xff")
        assert shared.view().viewers == 2
        shared_consoles.set_paused(True)
        await until(lambda: viewer.received[-1] == first.received[-1] == display_messages.state(True))
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
        await shared_consoles.admit("viewer", 0, "hello", ADMIN)
    await until(lambda: shared.view().viewers == 0)


async def test_viewers_are_limited(
    shared_consoles: SharedConsoles, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_consoles_module, "MAX_VIEWERS", 1)
    await admit(shared_consoles, viewer)
    with pytest.raises(TooManyViewers, match="have 1 viewers"):
        await shared_consoles.admit("another", 0, await viewer.offer(), ADMIN)


async def test_nobody_keeps_others_out_by_opening_many(
    shared_consoles: SharedConsoles, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch, ended: list[str]
) -> None:
    monkeypatch.setattr(shared_consoles_module, "MAX_VIEWERS", 2)
    async with ViewerClient() as second, ViewerClient() as other:
        await admit(shared_consoles, viewer, "first")
        await admit(shared_consoles, second, "second")
        answer = await soon(shared_consoles.admit("other", 0, await other.offer(), VIEWER))
        await other.take(answer)
        await until(lambda: other.frames > 0)
        assert ended == ["first"]
        with pytest.raises(TooManyViewers):
            await shared_consoles.admit("third", 0, await other.offer(), ADMIN)


async def test_a_links_viewers_keep_out_neither_others_nor_who_made_it(
    shared_consoles: SharedConsoles, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch, ended: list[str]
) -> None:
    monkeypatch.setattr(shared_consoles_module, "MAX_VIEWERS", 3)
    ann = replace(VIEWER, name="ann", responsible="pam:ann")
    links = [replace(ann, name=f"link {number}") for number in range(3)]
    async with ViewerClient() as client:

        async def admitted(name: str, grant: Grant) -> None:
            await soon(shared_consoles.admit(name, 0, await client.offer(), grant))

        for number, link in enumerate(links):
            await admitted(f"link {number}", link)
        await admitted("bob", replace(VIEWER, name="bob", responsible="pam:bob"))
        assert ended == ["link 0"]
        # The same name, by another way of signing in, is somebody else.
        await admitted("other ann", replace(VIEWER, name="ann", responsible="oidc:ann"))
        assert ended == ["link 0", "link 1"]
        with pytest.raises(TooManyViewers):
            await admitted("link 0 again", links[0])
        for name in ("bob", "other ann"):
            await shared_consoles.dismiss(name)
            await admitted("link 2 again, for " + name, links[2])
        ended.clear()
        await admitted("ann", ann)
        assert ended == ["link 2"]


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
    assert display_messages.problem("DMA-BUF") in viewer.received
    shared.unsupported("")
    await until(lambda: display_messages.problem("") in viewer.received)


async def test_good_and_bad_pictures_in_turns_do_not_fill_the_log(
    shared: SharedConsole, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        shared.unsupported("DMA-BUF")
        shared.unsupported("")
    assert caplog.text.count("DMA-BUF") == 1


async def test_standard_vga_takes_no_size(shared_consoles: SharedConsoles, viewer: ViewerClient) -> None:
    await admit(shared_consoles, viewer)
    viewer.channels["input"].send(b"\x0a\x04\x00\x03\x00\x00\x00\x00\x00")
    await until(lambda: display_messages.resized(False) in viewer.received)


async def test_sizes_that_a_display_device_refuses_do_not_fill_the_log(
    shared_consoles: SharedConsoles, viewer: ViewerClient, caplog: pytest.LogCaptureFixture
) -> None:
    await admit(shared_consoles, viewer)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        for width in range(100):
            viewer.channels["input"].send(b"\x0a" + (800 + width).to_bytes(2) + bytes(6))
            await until(lambda: display_messages.RESIZED in viewer.types)
    assert "size" not in caplog.text


async def test_a_long_name_of_a_console_is_cut(
    shared_consoles: SharedConsoles, display: Display, viewer: ViewerClient
) -> None:
    """Whoever controls QEMU could otherwise end the worker, whose messages have a limit."""
    display.consoles[0].label = "é" * 1_000_000
    (view,) = shared_consoles.views()
    assert len(view.label) == 100 and view.label.startswith("éé")
    await admit(shared_consoles, viewer)
    assert len(max(viewer.received, key=len)) < 2000


async def test_a_guest_that_floods_the_page_is_told_of_at_a_bounded_rate(
    shared_consoles: SharedConsoles, shared: SharedConsole, viewer: ViewerClient
) -> None:
    """Pointers, positions, problems and modes: a guest may change them without end, and 1 MiB each time."""
    await admit(shared_consoles, viewer)
    before = len(viewer.received)
    last = display_messages.cursor_position(999, 7, False)
    for number in range(1000):
        shared.move_cursor(number, 7, False)
        shared.define_cursor(64, 64, 0, 0, number.to_bytes(4) * 64 * 64)
        shared.unsupported(f"problem {number}")
        shared.framebuffer.on_shape()  # type: ignore[misc]
    shape = display_messages.cursor(64, 64, 0, 0, straight_rgba((999).to_bytes(4) * 64 * 64))
    await until(lambda: {last, shape, display_messages.problem("problem 999")} <= set(viewer.received))
    # Of 5,000; the guest itself has changed something meanwhile, too.
    assert len(viewer.received) - before < 100
