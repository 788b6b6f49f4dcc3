"""Guests on pages that tell when a key has changed their picture: on ours, and on noVNC's."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from playwright.async_api import Page, ViewportSize

from examples.guests.layout import Layout, Rect
from tests.bench.machine import NO_NOVNC, novnc_folder
from tests.bench.stage import Stage, probe, progress
from tests.e2e.viewer import DEADLINE_S, Viewer
from tests.support.browsers import until_true
from tests.support.guests import Guest
from tests.support.libvirtd import virsh
from tests.support.portal import free_port

KEY = "KeyA"
HELD_MS = 50
"""How long a key is held, in ms: as a typist holds it. The guest's keyboard driver repeats a key from 250 ms on."""
TRIES = 5
QUIET_S = 2.0
"""The pause between the begin of a guest or of one of its modes and the measurement, in seconds."""
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}


@dataclass(frozen=True, slots=True)
class Screen:
    """A guest on a page."""

    prefix: str
    """The prefix of its figures' names."""
    page: Page
    guest: Guest

    async def choose(self, mode: str) -> None:
        """Have the guest show this (the key that chooses it), and wait until it does."""
        await self.page.keyboard.press(mode)
        await asyncio.sleep(QUIET_S)

    async def key_to_pixel_ms(self, pause_s: float) -> float:
        """Press a key, once, after ``pause_s``."""
        for _ in range(TRIES):
            await self.page.evaluate("window.benchKeys.arm()")
            await asyncio.sleep(pause_s)
            await self.page.keyboard.press(KEY, delay=HELD_MS)
            async with asyncio.timeout(DEADLINE_S):
                seen = await self.page.evaluate("window.benchKeys.result()")
            if seen["sent"] and seen["ms"] >= 0:
                return float(seen["ms"])
            progress("the patch changed without a key, as a starved guest repeats them: once more")
            await asyncio.sleep(QUIET_S)
        raise AssertionError("the patch changes without a key")

    async def rate(self, seconds: float) -> float:
        """Return how many different pictures per second there are in the next ``seconds``."""
        return float(await self.page.evaluate("ms => window.benchKeys.rate(ms)", 1000 * seconds))

    @asynccontextmanager
    async def alone(self, all_of_them: "list[Screen]") -> AsyncIterator[None]:
        """While inside, the other guests stand still, so that only this one's work is measured. Its page is in front:
        Firefox shows no new frames of a page that is not.
        """
        others = [screen.guest.uuid for screen in all_of_them if screen is not self]
        for uuid in others:
            virsh("suspend", uuid)
        try:
            await self.page.bring_to_front()
            await asyncio.sleep(QUIET_S)
            yield
        finally:
            for uuid in others:
                virsh("resume", uuid)


def mode_of(stage: Stage) -> str:
    """The guest's option for the size that was asked for."""
    width, height = stage.options.size
    return f"mode={width}x{height}"


async def screens(stage: Stage) -> list[Screen]:
    """Ours, over each transport that was asked for, and noVNC's where it is installed, whose guest has VNC alone.

    Not the same guest: as long as one display asks QEMU for the picture often, the other gets it often too.
    """
    made = [await _ours(stage, "webrtc", "decoder")]
    if stage.options.transport == "websocket":
        made.append(await _ours(stage, "websocket", "drawn"))
    if (files := novnc_folder()) is None:
        progress(f"no figures of noVNC: {NO_NOVNC}")
    else:
        made.append(await _novnc(stage, files))
    return made


async def _ours(stage: Stage, transport: str, watching: str) -> Screen:
    guest = stage.guest(mode_of(stage))
    viewer = await Viewer.open_over(transport, stage.browser, stage.portal, guest, viewport=VIEWPORT)
    await viewer.wait_known_picture()
    # The probes are arguments of evaluate(), which the pages' content security policy does not forbid.
    await viewer.page.evaluate(probe("keys"))
    await viewer.page.evaluate(probe(watching), {"width": stage.options.size[0], **_places(stage)})
    return Screen("" if transport == "webrtc" else "websocket_", viewer.page, guest)


async def _novnc(stage: Stage, files: Path) -> Screen:
    port = free_port()
    guest = stage.make_guest(
        stage.options.guest,
        options=mode_of(stage),
        display=False,
        edit=lambda xml: _with_websocket(xml, port),
    )
    page = await (await stage.browser.new_context(viewport=VIEWPORT)).new_page()
    async with _served(files) as url:
        await page.goto(url)
        await page.evaluate(probe("keys"))
        await page.evaluate(probe("novnc"), {"url": f"ws://127.0.0.1:{port}", **_places(stage)})
    wide = "document.querySelector('canvas')?.width"
    await until_true(page, f"{wide} === {stage.options.size[0]}", deadline_s=DEADLINE_S)
    return Screen("novnc_", page, guest)


def _with_websocket(xml: str, port: int) -> str:
    graphics = (
        f"<graphics type='vnc' autoport='yes' websocket='{port}'>"
        "<listen type='address' address='127.0.0.1'/></graphics>"
    )
    return re.sub(r"<graphics type='vnc'>.*?</graphics>", graphics, xml, flags=re.DOTALL)


@asynccontextmanager
async def _served(files: Path) -> AsyncIterator[str]:
    """The URL of an empty page for noVNC, whose modules are beside it.

    Really served: Chromium lets no page whose requests are answered by playwright connect to this machine.
    """

    async def empty(request: web.Request) -> web.Response:
        body = (
            "<!doctype html><body style='margin:0'><div id='screen' style='width:100vw;height:100vh'></div>"
        )
        return web.Response(text=body, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", empty)
    app.router.add_static("/", files)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


def _places(stage: Stage) -> dict[str, dict[str, int]]:
    """Where to look, in pixels: at the patch, and at what differs from picture to picture in every moving mode."""
    layout = Layout(*stage.options.size)
    patch, unit = layout.patch, layout.unit
    # The digits of the mode "small", which lie in what scroll and motion paint.
    digits = Rect(92 * unit, 266 * unit, 64 * unit, 16 * unit)
    return {
        "patch": _even(Rect(patch.x + patch.width // 2, patch.y + patch.height // 2, 2, 2)),
        "moving": _even(digits),
    }


def _even(rect: Rect) -> dict[str, int]:
    """With even coordinates, as pictures with shared chroma need."""
    return {name: value & ~1 for name, value in rect._asdict().items()}
