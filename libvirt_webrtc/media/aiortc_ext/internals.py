"""What the patches here use of aiortc and aioice that is not their public interface, and a check that it is there."""

import dis
import functools
import inspect
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import aioice.ice
import aioice.turn
import aiortc.rtcdtlstransport
import aiortc.rtcicetransport
import aiortc.rtcpeerconnection
import aiortc.rtcrtpsender
import aiortc.rtcsctptransport
import aiortc.rtp
from aioice.ice import CandidatePair, Connection, StunProtocol
from aioice.turn import TurnClientMixin, TurnClientTcpProtocol, TurnClientUdpProtocol, TurnTransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport, State
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.rtcsctptransport import InboundStream, RTCSctpTransport

from libvirt_webrtc.errors import MediaError


@dataclass(frozen=True, slots=True)
class Use:
    """Something that is not public, and is used.

    Attributes:
        owner: the module or class that has it.
        parameters: the parameters of a function; None for what is no function.
        set_by: the method that gives each object of ``owner`` this attribute; None for what the owner itself has.
    """

    owner: Any
    name: str
    parameters: tuple[str, ...] | None = None
    set_by: str | None = None

    def fault(self) -> str | None:
        """What is wrong with it in the libraries that are installed; None where it is as expected."""
        where = f"{self.owner.__name__}.{self.name}"
        if self.set_by is not None:
            method = vars(self.owner).get(self.set_by)
            known = isinstance(method, FunctionType) and self.name in _attributes_set_by(method)
            return None if known else f"{where} is not set by {self.set_by}"
        if not hasattr(self.owner, self.name):
            annotated = self.name in inspect.get_annotations(self.owner)
            return None if annotated else f"{where} is gone"
        if self.parameters is None:
            return None
        found = tuple(inspect.signature(getattr(self.owner, self.name)).parameters)
        return None if found == self.parameters else f"{where} takes other arguments: {', '.join(found)}"


def _set(owner: type, *names: str, by: str = "__init__") -> tuple[Use, ...]:
    return tuple(Use(owner, name, set_by=by) for name in names)


USES: tuple[Use, ...] = (
    # sender.py, path.py
    Use(RTCRtpSender, "send", ("self", "parameters")),
    Use(RTCRtpSender, "_run_rtp", ("self", "codec")),
    Use(RTCRtpSender, "_send_rtcp", ("self", "packets")),
    Use(RTCRtpSender, "_handle_rtcp_packet", ("self", "packet")),
    Use(RTCRtpSender, "track"),
    Use(RTCRtpSender, "transport"),
    *_set(RTCRtpSender, "_ssrc", "_rtx_ssrc"),
    *_set(RTCRtpSender, "_RTCRtpSender__rtp_started", "_RTCRtpSender__rtp_exited"),
    *_set(RTCRtpSender, "_RTCRtpSender__lsr", "_RTCRtpSender__lsr_time"),
    *_set(RTCRtpSender, "_RTCRtpSender__ntp_timestamp", "_RTCRtpSender__rtp_timestamp"),
    *_set(RTCRtpSender, "_RTCRtpSender__octet_count", "_RTCRtpSender__packet_count"),
    *_set(RTCRtpSender, "_RTCRtpSender__track", by="replaceTrack"),
    Use(State, "CONNECTED"),
    Use(RTCDtlsTransport, "transport"),
    *_set(RTCDtlsTransport, "_state", "_tx_srtp"),
    *_set(RTCDtlsTransport, "_RTCDtlsTransport__tx_bytes", "_RTCDtlsTransport__tx_packets"),
    *_set(RTCIceTransport, "_connection"),
    *_set(Connection, "_nominated", "_check_list", "_remote_candidates"),
    *_set(CandidatePair, "protocol", "state"),
    Use(CandidatePair, "local_addr"),
    Use(CandidatePair, "remote_addr"),
    Use(CandidatePair.State, "FAILED"),
    *_set(TurnTransport, "_TurnTransport__inner_protocol"),
    Use(TurnTransport, "sendto", ("self", "data", "addr")),
    Use(TurnClientTcpProtocol, "transport"),
    Use(TurnClientUdpProtocol, "transport"),
    # ice.py
    Use(aioice.ice, "get_host_addresses", ("use_ipv4", "use_ipv6")),
    Use(StunProtocol, "datagram_received", ("self", "data", "addr")),
    Use(StunProtocol, "request", ("self", "request", "addr", "integrity_key", "retransmissions")),
    *_set(StunProtocol, "receiver"),
    Use(StunProtocol, "transport"),
    # gathering.py
    Use(
        RTCIceGatherer,
        "__init__",
        ("self", "iceServers", "iceTransportPolicy", "local_username", "local_password"),
    ),
    Use(TurnClientMixin, "delete", ("self",)),
    Use(Connection, "get_component_candidates", ("self", "component", "addresses", "timeout")),
    *_set(Connection, "_protocols", "_transport_policy"),
    Use(
        aioice.ice,
        "relayed_candidate",
        (
            *("component", "hide_related_address", "protocol_factory", "turn_server"),
            *("turn_username", "turn_password", "turn_ssl", "turn_transport"),
        ),
    ),
    # sockets.py
    Use(
        aioice.turn,
        "create_turn_endpoint",
        (
            *("protocol_factory", "server_addr", "username", "password", "lifetime"),
            *("channel_refresh_time", "ssl", "transport"),
        ),
    ),
    Use(aioice.turn, "DEFAULT_ALLOCATION_LIFETIME"),
    Use(aioice.turn, "DEFAULT_CHANNEL_REFRESH_TIME"),
    Use(aioice.turn, "UDP_SOCKET_BUFFER_SIZE"),
    Use(
        TurnClientUdpProtocol,
        "__init__",
        ("self", "server", "username", "password", "lifetime", "channel_refresh_time"),
    ),
    Use(TurnTransport, "_connect", ("self", "protocol")),
    # remote_candidates.py
    Use(Connection, "request_received", ("self", "message", "addr", "protocol")),
    # dtls.py
    Use(RTCCertificate, "_create_ssl_context", ("self", "srtp_profiles")),
    # negotiation.py
    Use(aiortc.rtp, "DYNAMIC_PAYLOAD_TYPES"),
    Use(aiortc.rtcpeerconnection, "is_codec_compatible", ("a", "b")),
    # channels.py
    Use(RTCSctpTransport, "_data_channel_receive", ("self", "stream_id", "pp_id", "data")),
    Use(RTCSctpTransport, "_receive_data_chunk", ("self", "chunk")),
    *_set(RTCSctpTransport, "_advertised_rwnd", "_inbound_streams", "_sack_misordered"),
    *_set(InboundStream, "reassembly"),
    Use(aiortc.rtcsctptransport, "LOCAL_MAX_MESSAGE_SIZE"),
)
"""Everything of the two libraries that is used here and that they do not document. A test compares it with the source
of this package (tests/media/aiortc_ext/test_internals.py)."""


def check() -> None:
    """Compare the installed libraries with :data:`USES`.

    Raises:
        MediaError: they lack something, or have it in another form; the message names both versions and what is wrong.
    """
    faults = [fault for use in USES if (fault := use.fault()) is not None]
    if faults:
        raise MediaError(
            f"aiortc {aiortc.__version__} with aioice {aioice.__version__} cannot be used: {'; '.join(faults)}. "
            "Install the versions that pyproject.toml allows"
        )


@functools.cache
def _attributes_set_by(method: FunctionType) -> set[str]:
    return {step.argval for step in dis.get_instructions(method) if step.opname == "STORE_ATTR"}
