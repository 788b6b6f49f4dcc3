"""What aiortc keeps of a hostile viewer's data channels is bounded."""

from collections.abc import Callable, Iterator

import pytest
from aiortc import RTCCertificate, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    DataChunk,
    RTCSctpTransport,
)

from libvirt_webrtc.media.aiortc_ext import channels, patches

WHOLE = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG
FIRST_TSN = 1000


@pytest.fixture
async def transport() -> RTCSctpTransport:
    """One that has been told the first TSN, and nothing more."""
    patches.install()
    ice = RTCIceTransport(RTCIceGatherer([]))
    made = RTCSctpTransport(RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()]))
    made._last_received_tsn = FIRST_TSN - 1
    return made


def chunks(
    count: int,
    *,
    size: int = 1,
    flags: int = WHOLE,
    stream: Callable[[int], int] = lambda _: 0,
    step: int = 1,
) -> Iterator[DataChunk]:
    for number in range(count):
        chunk = DataChunk(flags=flags)
        chunk.tsn = FIRST_TSN + number * step
        chunk.stream_id = stream(number)
        chunk.stream_seq = 0
        chunk.user_data = bytes(size)
        yield chunk


FLOODS: dict[str, tuple[Iterator[DataChunk], str]] = {
    "one message without end": (chunks(3000, size=1100, flags=SCTP_DATA_FIRST_FRAG), "262144 bytes"),
    "its smallest parts": (chunks(20_000, flags=SCTP_DATA_FIRST_FRAG), "4096 parts"),
    "behind one that never comes": (chunks(20_000, step=2), "4096 parts"),
    "on many channels": (chunks(1000, stream=lambda number: number), "16 data channels"),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_is_reported_once_and_nothing_more_is_kept(
    transport: RTCSctpTransport, name: str
) -> None:
    flood, reason = FLOODS[name]
    faults: list[Exception] = []
    transport.on(channels.UNREADABLE, faults.append)
    for chunk in flood:
        await transport._receive_data_chunk(chunk)
    assert [reason in str(fault) for fault in faults] == [True]
    streams = transport._inbound_streams.values()
    assert len(streams) <= channels.MAX_STREAMS + 1
    assert sum(len(stream.reassembly) for stream in streams) <= channels.MAX_WAITING_CHUNKS + 1
    assert len(transport._sack_misordered) <= channels.MAX_WAITING_CHUNKS + 1
    kept = sum(len(part.user_data) for stream in streams for part in stream.reassembly)
    assert kept <= channels.MAX_WAITING_BYTES + 1100


async def test_what_a_mouse_sends_while_one_packet_is_missing_is_kept(transport: RTCSctpTransport) -> None:
    faults: list[Exception] = []
    transport.on(channels.UNREADABLE, faults.append)
    received: list[bytes] = []

    async def receive(stream: int, kind: int, data: bytes) -> None:
        received.append(data)

    transport._receive = receive  # type: ignore[method-assign, assignment]
    first, *rest = chunks(2000, size=5)
    for number, chunk in enumerate([first, *rest]):
        chunk.stream_seq = number
    for chunk in [*rest, first]:
        await transport._receive_data_chunk(chunk)
    assert len(received) == 2000
    assert faults == []


async def test_a_connection_that_is_about_to_end_takes_nothing() -> None:
    patches.install()
    connection = RTCPeerConnection()
    connection.createDataChannel("input")
    assert connection.sctp is not None
    channels.ignore_messages(connection)
    for chunk in chunks(10):
        await connection.sctp._receive_data_chunk(chunk)
    assert connection.sctp._inbound_streams == {}
    await connection.close()
