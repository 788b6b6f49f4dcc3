"""A STUN and TURN server of the tests' own: one allocation, no relaying."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aioice import stun
from aioice.turn import make_integrity_key

REALM, NONCE = "test", b"nonce"
RELAYED = ("192.0.2.55", 50001)
MAPPED = ("198.51.100.7", 40001)
"""Where a server sees everybody that sees through a NAT."""


class StunServer(asyncio.DatagramProtocol):
    """Answers BINDING, and ALLOCATE and REFRESH with the right password.

    Attributes:
        asked: the addresses that requests came from.
        freed: the allocation was given back.
        deaf_to: the addresses that get no answer; "*" stands for all.
        through_nat: whether it sees everybody at MAPPED.
    """

    def __init__(self, username: str, password: str) -> None:
        self.key = make_integrity_key(username, REALM, password)
        self.asked: list[str] = []
        self.freed = False
        self.deaf_to: set[str] = set()
        self.through_nat = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # Python 3.11's own is no subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked.append(addr[0])
        if self.deaf_to & {addr[0], "*"}:
            return
        request = stun.parse_message(data)
        response = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
        mapped = MAPPED if self.through_nat else (addr[0], addr[1])
        if request.message_method is stun.Method.BINDING:
            response.attributes["XOR-MAPPED-ADDRESS"] = mapped
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
                response.attributes["XOR-MAPPED-ADDRESS"] = mapped
                response.attributes["XOR-RELAYED-ADDRESS"] = RELAYED
            response.add_message_integrity(self.key)
        self.transport.sendto(bytes(response), addr)


@asynccontextmanager
async def stun_server(
    username: str = "user", password: str = "secret", *, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[StunServer, int]]:
    """The server and its UDP port on ``host``."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: StunServer(username, password), local_addr=(host, 0)
    )
    try:
        yield server, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
