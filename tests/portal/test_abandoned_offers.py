"""An HTTP client that goes away while its offer is answered leaves no viewer behind."""

import asyncio

from aiohttp import web

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.app import create_app
from tests.media.helpers import soon, until
from tests.portal.fakes import TOKEN, WHEP, FakeAgent

REQUEST = f"POST {WHEP} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"


async def test_a_client_that_goes_away_before_the_answer_leaves_no_viewer(agent: FakeAgent) -> None:
    agent.go.clear()
    # As the service runs it: aiohttp's own test server cancels handlers whose client has gone.
    runner = web.AppRunner(create_app(agent, Config(), TOKEN))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(f"{REQUEST}Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n".encode())
        await soon(agent.asked.wait())
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
        agent.go.set()
        await until(lambda: len(agent.offers) == 1 and not agent.viewers)
    finally:
        await runner.cleanup()
