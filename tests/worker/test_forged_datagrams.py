"""Datagrams that anybody can send in a viewer's name: UDP's sender addresses can be forged."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest
from aioice import stun

from tests.media.helpers import until
from tests.worker.place import PING, Place
from tests.worker.viewer_client import ViewerClient

LENGTHS = (0, 1, 2, 3, 4, 11, 12, 13, 19, 20, 21, 28, 100, 1200, 1499, 1500, 1501, 1600, 2048, 9000, 65507)
"""Around what headers need (STUN 20, RTP 12, DTLS 13), the network's usual limit, and UDP's own."""


def own_pair(viewer: ViewerClient) -> Any:
    """The pair of addresses that a connected viewer uses."""
    assert viewer.connection.sctp is not None
    (pair,) = viewer.connection.sctp.transport.transport._connection._nominated.values()
    return pair


async def answered(viewer: ViewerClient, number: int) -> None:
    """Wait until a PING of this number has come back: what was sent before it has been dealt with."""
    told = PING[:1] + number.to_bytes(4, "big")
    viewer.channels["input"].send(told)
    await until(lambda: viewer.received[-1] == b"\x87" + told[1:] or not viewer.is_open)
    assert viewer.is_open, "the viewer's connection has ended"


def broken_stun() -> Iterator[bytes]:
    """Each attribute that aioice knows, in lengths that are wrong for most, in requests and in answers."""
    for class_ in stun.Class:
        for kind in stun.ATTRIBUTES_BY_TYPE:
            for length in (0, 1, 2, 3, 4, 5, 8, 9, 20, 40):
                attribute = kind.to_bytes(2, "big") + length.to_bytes(2, "big") + bytes(length + -length % 4)
                head = (stun.Method.BINDING | class_).to_bytes(2, "big") + len(attribute).to_bytes(2, "big")
                yield head + stun.COOKIE.to_bytes(4, "big") + bytes(12) + attribute


# An alert in the clear (close_notify, then fatal), and the beginning of another handshake.
CLEAR_DTLS = [
    bytes.fromhex("15 fefd 0000 000000000000 0002 0100"),
    bytes.fromhex("15 fefd 0000 000000000000 0002 0228"),
    bytes.fromhex("16 fefd 0000 000000000000 000c 01 000000 0000 000000 000000"),
    bytes.fromhex("14 fefd 0000 000000000000 0001 01"),
]


@pytest.mark.parametrize("second", [0, 200, 206, None], ids=["zeros", "sender report", "feedback", "random"])
async def test_no_datagram_from_a_viewers_own_address_ends_it(
    place: Place, viewer: ViewerClient, second: int | None
) -> None:
    """The second byte tells RTCP from RTP (RFC 5761)."""
    await place.connect(viewer)
    uncaught: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: uncaught.append(context))
    pair = own_pair(viewer)
    size = max(LENGTHS)
    content = random.Random(1).randbytes(size) if second is None else bytes([second]).ljust(size, b"\0")
    for first in range(256):
        for length in LENGTHS:
            pair.protocol.transport.sendto((bytes([first]) + content)[:length], pair.remote_addr)
            await asyncio.sleep(0)
        await answered(viewer, first)
    assert place.closed == []
    assert uncaught == []


async def test_broken_stun_and_clear_dtls_from_a_viewers_own_address_are_nothing(
    place: Place, viewer: ViewerClient
) -> None:
    await place.connect(viewer)
    uncaught: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: uncaught.append(context))
    pair = own_pair(viewer)
    for number, datagram in enumerate((*broken_stun(), *CLEAR_DTLS)):
        pair.protocol.transport.sendto(datagram, pair.remote_addr)
        await asyncio.sleep(0)
        if number % 50 == 0:
            await answered(viewer, number)
    await answered(viewer, 10_000)
    assert place.closed == []
    assert uncaught == []
