"""Making and opening share links by HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from tests.portal.fakes import OTHER_UUID, UUID, Served, Viewer, domain, refusal

LINKS = f"/api/domains/{UUID}/links"
LIMIT_S = 30.0
OTHER = replace(domain("other"), uuid=OTHER_UUID)


async def make(maker: Viewer, **wish: Any) -> tuple[str, str]:
    """A new link's ID and secret."""
    async with maker.request("POST", LINKS, json=wish) as response:
        assert response.status == 201, await response.text()
        made = await response.json()
        return made["link"]["id"], made["secret"]


async def listed(viewer: Viewer) -> list[dict[str, Any]]:
    async with viewer.get(LINKS) as response:
        assert response.status == 200
        found: list[dict[str, Any]] = (await response.json())["links"]
        return found


async def open_link(viewer: Viewer, secret: str) -> dict[str, Any]:
    """Become the session that a link opens."""
    headers = {"Origin": viewer.origin}
    async with viewer.request("POST", "/api/share", headers, json={"secret": secret}) as response:
        assert response.status == 200, await response.text()
        told: dict[str, Any] = await response.json()
        name = f"{viewer.cookie_name}-link-{told['link']}"
        cookie = response.cookies[name].value
    viewer.headers = {
        "Cookie": f"{name}={cookie}",
        KEY_HEADER: told["key"],
        "Origin": viewer.origin,
    }
    return told


async def refused(viewer: Viewer, secret: str) -> tuple[int, str]:
    async with viewer.request("POST", "/api/share", json={"secret": secret}) as response:
        return await refusal(response)


@asynccontextmanager
async def opened(server: Served, secret: str) -> AsyncIterator[Viewer]:
    """Somebody who opened a link."""
    async with Viewer(server) as guest:
        await open_link(guest, secret)
        yield guest


async def over(guest: Viewer) -> None:
    """Wait until the guest's session has ended."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            async with guest.get("/api/events") as response:
                if response.status == 401:
                    return
                await response.content.read()
