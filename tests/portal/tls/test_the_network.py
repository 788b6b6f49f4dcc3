"""The attacker of docs/security.md who sits between browsers and the portal."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientConnectorCertificateError

from tests.portal.fakes import OFFER, TOKEN, WHEP, Served, Viewer
from tests.support.certificates import Authority


class Wire:
    """Passes all bytes on between a client and the portal, and keeps them."""

    def __init__(self, portal: int) -> None:
        self._portal = portal
        self.seen = b""

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        further, back = await asyncio.open_connection("127.0.0.1", self._portal)
        await asyncio.gather(self._pass(reader, back), self._pass(further, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self.seen += data
                writer.write(data)
        writer.close()


@pytest.fixture
async def wire(secure: Served) -> AsyncIterator[Wire]:
    wire = Wire(secure.port)
    server = await asyncio.start_server(wire.join, "127.0.0.1", 0)
    secure.port = server.sockets[0].getsockname()[1]
    yield wire
    server.close()


async def test_the_network_reads_nothing_of_a_sign_in_and_a_console(
    secure: Served, wire: Wire, authority: Authority
) -> None:
    context = ssl.create_default_context(cafile=str(authority.root))
    async with Viewer(secure, context) as viewer:
        cookie = await viewer.sign_in()
        key = viewer.headers["Session-Key"]
        async with viewer.offer() as response:
            assert response.status == 201
    assert len(wire.seen) > 1000
    for secret in (TOKEN, cookie, key, OFFER.strip(), WHEP):
        assert secret.encode() not in wire.seen


async def test_the_network_cannot_pose_as_the_portal(secure: Served, wire: Wire, tmp_path: Path) -> None:
    """Whoever trusts one authority sends nothing to a certificate that another one signed."""
    folder = tmp_path / "other"
    folder.mkdir()
    other = Authority(folder)
    async with Viewer(secure, ssl.create_default_context(cafile=str(other.root))) as viewer:
        with pytest.raises(ClientConnectorCertificateError):
            await viewer.sign_in()
    assert TOKEN.encode() not in wire.seen
