"""The way of one viewer's packets, from SRTP to the socket."""

import time
from typing import Any

from aioice.ice import CandidatePair
from aioice.turn import TurnTransport
from aiortc.rtcdtlstransport import State

_COMPONENT = 1
"""ICE's number for RTP, and for RTCP beside it (RFC 8445; rtcp-mux)."""

_NTP_EPOCH_S = 2_208_988_800
"""Seconds from NTP's epoch, 1900, to Unix', 1970 (RFC 5905)."""


class SecurePath:
    """From packets to the socket of the selected pair of candidates, or to its relay, without a task in between.

    It does what ``RTCDtlsTransport._send_rtp`` and ``aioice.Connection.send`` do, and keeps aiortc's counters.
    """

    def __init__(self, sender: Any) -> None:
        self._sender = sender
        self._dtls = sender.transport

    def ready(self) -> bool:
        """See :class:`libvirt_webrtc.media.rtp.sender.Path`."""
        pair = nominated_pair(self._sender)
        if pair is None or self._dtls._state is not State.CONNECTED:
            raise ConnectionError("the viewer's connection is closed")
        self._protect = self._dtls._tx_srtp.protect
        self._transport: Any = pair.protocol.transport
        self._address = pair.remote_addr
        return _unsent(self._transport) == 0

    def send(self, packet: bytes) -> None:
        protected = self._protect(packet)
        self._transport.sendto(protected, self._address)
        self._dtls._RTCDtlsTransport__tx_bytes += len(protected)
        self._dtls._RTCDtlsTransport__tx_packets += 1

    def count(self, packets: int, octets: int, timestamp: int) -> None:
        sender = self._sender
        sender._RTCRtpSender__packet_count += packets
        sender._RTCRtpSender__octet_count += octets
        sender._RTCRtpSender__rtp_timestamp = timestamp
        sender._RTCRtpSender__ntp_timestamp = ntp_time()


def nominated_pair(sender: Any) -> CandidatePair | None:
    """The candidates between which a sender's packets travel; None before ICE has chosen them, and after its end."""
    pair: CandidatePair | None = sender.transport.transport._connection._nominated.get(_COMPONENT)
    return pair


def ntp_time() -> int:
    """Now in NTP's format, 32.32 bits: the same as aiortc's clock tells, in a tenth of the time."""
    return int((time.time() + _NTP_EPOCH_S) * (1 << 32))


def _unsent(transport: Any) -> int:
    """Bytes that the kernel has not taken yet."""
    if isinstance(transport, TurnTransport):
        transport = transport._TurnTransport__inner_protocol.transport  # type: ignore[attr-defined]
    size: int = transport.get_write_buffer_size()
    return size
