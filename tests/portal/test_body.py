import asyncio
from collections.abc import AsyncIterator

import pytest

from libvirt_webrtc.agent import limits
from tests.portal.fakes import WHEP, FakeAgent, Served, Viewer, refusal


async def test_an_offer_of_64_kib_is_taken_and_one_byte_more_is_not(signed_in: Viewer) -> None:
    async with signed_in.offer(sdp=b"x" * 65536) as response:
        assert response.status == 201
    async with signed_in.offer(sdp=b"x" * 65537) as response:
        assert await refusal(response) == (413, "too_large")


async def test_a_body_without_a_length_is_bounded_too(signed_in: Viewer) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b"x" * 1024

    headers = {"Content-Type": "application/sdp"}
    async with signed_in.request("POST", WHEP, headers, data=stream()) as response:
        assert await refusal(response) == (413, "too_large")


async def test_a_body_that_does_not_come_is_given_up(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_S", 0.01)
    assert server.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{")
    assert b" 408 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_an_offer_that_is_not_utf_8_is_refused(signed_in: Viewer) -> None:
    async with signed_in.offer(sdp=b"v=0\xff") as response:
        assert await refusal(response) == (400, "bad_request")


@pytest.mark.parametrize("strange", ["\x00", "\x01", "\x7f", "é", "\u2028", "😀"])
async def test_an_offer_that_is_no_sdp_is_told_where(
    signed_in: Viewer, agent: FakeAgent, strange: str
) -> None:
    """64 KiB of such characters are several times as long once they are escaped on their way to the worker."""
    lines = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"
    for sdp in (lines + "s=" + strange, lines + strange * ((65536 - len(lines)) // len(strange.encode()))):
        async with signed_in.offer(sdp=sdp.encode()) as response:
            message = (await response.json())["message"]
            assert "line 3" in message and f"U+{ord(strange):04X}" in message
            assert await refusal(response) == (400, "bad_offer")
    assert agent.offers == []
