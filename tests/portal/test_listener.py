"""Which addresses the portal listens on."""

import socket

import pytest
from aiohttp import ClientSession, web

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.addresses import peer_of
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.listener import PortalListener


async def tell_peer(request: web.Request) -> web.Response:
    return web.Response(text=peer_of(request))


@pytest.fixture
def listener() -> PortalListener:
    app = web.Application()
    app.router.add_get("/", tell_peer)
    return PortalListener(app, ConnectionLimits())


async def peers(port: int, *hosts: str) -> list[str]:
    async with ClientSession() as session:
        answers = []
        for host in hosts:
            async with session.get(f"http://{host}:{port}/") as response:
                answers.append(await response.text())
        return answers


async def test_all_addresses_are_those_of_both_ip_versions(listener: PortalListener) -> None:
    listening = await listener.start(ListenAddress("::", 0))
    try:
        assert listening.host == "::"
        assert await peers(listening.port, "127.0.0.1", "[::1]") == ["127.0.0.1", "::1"]
    finally:
        await listener.close()


async def test_a_name_is_all_of_its_addresses(
    listener: PortalListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0)) for host in ("127.0.0.2", "127.0.0.3")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    listening = await listener.start(ListenAddress("hv1", 0))
    monkeypatch.undo()
    try:
        assert await peers(listening.port, "127.0.0.2", "127.0.0.3") == ["127.0.0.1", "127.0.0.1"]
    finally:
        await listener.close()


async def test_an_address_of_another_machine_is_told(listener: PortalListener) -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 203\.0\.113\.1:8443: .*--listen"):
        await listener.start(ListenAddress("203.0.113.1", 8443))
    await listener.close()
