"""A STUN and TURN server of the tests' own: one allocation, no relaying."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aioice import stun
from aioice.turn import make_integrity_key

REALM, NONCE = "test", b"nonce"
RELAYED = ("192.0.2.55", 50001)


class StunServer(asyncio.DatagramProtocol):
    """Answers BINDING, and ALLOCATE and REFRESH with the right password.

    Attributes:
        freed: the allocation was given back.
    """

    def __init__(self, username: str, password: str) -> None:
        self.key = make_integrity_key(username, REALM, password)
        self.freed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # Python 3.11's own is no subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = stun.parse_message(data)
        response = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
        if request.message_method is stun.Method.BINDING:
            response.attributes["XOR-MAPPED-ADDRESS"] = addr
        elif "MESSAGE-INTEGRITY" not in request.attributes or not request.check_message_integrity(self.key):
            response.message_class = stun.Class.ERROR
            response.attributes["ERROR-CODE"] = (401, "Unauthorized")
            response.attributes["NONCE"] = NONCE
            response.attributes["REALM"] = REALM
        else:
            lifetime = request.attributes["LIFETIME"]
            self.freed = lifetime == 0
            response.attributes["LIFETIME"] = lifetime
            if request.message_method is stun.Method.ALLOCATE:
                response.attributes["XOR-MAPPED-ADDRESS"] = addr
                response.attributes["XOR-RELAYED-ADDRESS"] = RELAYED
            response.add_message_integrity(self.key)
        self.transport.sendto(bytes(response), addr)


@asynccontextmanager
async def stun_server(
    username: str = "user", password: str = "secret"
) -> AsyncIterator[tuple[StunServer, int]]:
    """The server and its UDP port on 127.0.0.1."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: StunServer(username, password), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
