"""How fast a console is gone after its user lost the role for it, or the session was ended."""

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription
from playwright.async_api import Page

from tests.bench.figures import Figure, Figures
from tests.bench.stage import Stage, pause_s, probe, progress
from tests.e2e.viewer import DEADLINE_S, Viewer, wait_for
from tests.e2e.whep import offer
from tests.support.guests import Guest
from tests.support.users import SIGN_IN, give_sessions, headers_of, page_of

RULE = '[[access]]\nusers = ["ann"]\ndomains = ["*"]\nrole = "{}"\n'


async def run(stage: Stage) -> Figures:
    """Take the role away again and again, from a page and from a viewer that does not end by itself."""
    guest = stage.guest()
    stage.settings.write_text(SIGN_IN)
    give_sessions(stage.portal, "ann")
    stage.portal.wait_console(guest.uuid)
    page = await page_of(stage.browser, stage.portal, "ann")
    gone, sunk, stream = [], [], []
    for number in range(stage.options.runs):
        gone.append(await _page(stage, page, guest, None))
        sunk.append(await _page(stage, page, guest, "view"))
        stream.append(await _page(stage, page, guest, None, "?transport=websocket"))
        progress(f"role gone, sunk {number + 1}/{stage.options.runs}: {gone[-1]:.0f}, {sunk[-1]:.0f} ms")
    await page.context.close()
    stubborn = [await _stubborn(stage, guest, lambda: _rule(stage, None)) for _ in range(stage.options.runs)]
    ended = []
    for _ in range(stage.options.runs):
        give_sessions(stage.portal, "ann")
        stage.portal.wait_console(guest.uuid)
        ended.append(await _stubborn(stage, guest, None))
    return {
        "role_gone_to_page_disconnected_ms": Figure.of(gone),
        "role_sunk_to_page_disconnected_ms": Figure.of(sunk),
        "role_gone_to_page_by_websocket_disconnected_ms": Figure.of(stream),
        "role_gone_to_stubborn_viewer_ended_ms": Figure.of(stubborn),
        "session_ended_to_stubborn_viewer_ended_ms": Figure.of(ended),
    }


def _rule(stage: Stage, role: str | None) -> None:
    """Write what ann may do, and have the portal read it."""
    stage.settings.write_text(SIGN_IN + ("" if role is None else RULE.format(role)))
    stage.portal.process.send_signal(signal.SIGHUP)


async def _page(stage: Stage, page: Page, guest: Guest, role: str | None, query: str = "") -> float:
    """From SIGHUP to the moment at which ann's page, opened with ``query``, has noticed."""
    _rule(stage, "control")
    await page.goto(stage.portal.url)
    viewer = await Viewer.click(page, guest)
    if query:
        await page.goto(page.url + query)
        await viewer.wait_state("connected")
    await viewer.wait_known_picture()
    await asyncio.sleep(pause_s())
    noticed = asyncio.create_task(page.evaluate(probe("gone")))
    # The page must be watching before anything happens.
    await page.evaluate("0")
    began = time.time() * 1000
    _rule(stage, role)
    async with asyncio.timeout(DEADLINE_S):
        return float(await noticed) - began


@dataclass
class _Stubborn:
    """A viewer that goes on until the server has ended its connection."""

    connection: RTCPeerConnection = field(default_factory=RTCPeerConnection)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def offer(self) -> str:
        self.connection.on("connectionstatechange", self._changed)
        self.connection.addTransceiver("video", "recvonly")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    def _changed(self) -> None:
        if self.connection.connectionState == "connected":
            self.connected.set()
        elif self.connection.connectionState in ("closed", "failed"):
            self.ended.set()


async def _sees(http: aiohttp.ClientSession) -> bool:
    async with http.get("/api/domains") as response:
        return bool((await response.json())["domains"])


async def _stubborn(stage: Stage, guest: Guest, revoke: Callable[[], None] | None) -> float:
    """From SIGHUP, or from the request that ends ann's session, to the end of her viewer's connection."""
    _rule(stage, "control")
    async with aiohttp.ClientSession(stage.portal.url, headers=headers_of(stage.portal, "ann")) as http:
        await wait_for(lambda: _sees(http), "ann sees the guest")
        viewer = _Stubborn()
        answer, _ = await offer(http, guest, await viewer.offer())
        await viewer.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(DEADLINE_S):
            await viewer.connected.wait()
            await asyncio.sleep(pause_s())
            began = time.monotonic()
            if revoke is not None:
                revoke()
            else:
                async with http.delete("/api/session") as response:
                    assert response.ok
            await viewer.ended.wait()
        took = (time.monotonic() - began) * 1000
        await viewer.connection.close()
    return took
