"""An HTTP client that goes away while its offer is answered leaves no viewer behind."""

import asyncio

from tests.media.helpers import soon, until
from tests.portal.fakes import TOKEN, WHEP, FakeAgent, Served

REQUEST = f"POST {WHEP} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"


async def test_a_client_that_goes_away_before_the_answer_leaves_no_viewer(
    server: Served, agent: FakeAgent
) -> None:
    agent.go.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{REQUEST}Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n".encode())
    await soon(agent.asked.wait())
    writer.close()
    await writer.wait_closed()
    await until(lambda: len(server.listener.connections) == 0)
    agent.go.set()
    await until(lambda: len(agent.offers) == 1 and not agent.viewers)
