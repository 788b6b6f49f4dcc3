"""What aiortc and aioice do not offer, patched in: the only package that touches their internals.

:func:`install` changes both libraries for the whole process, once. Each patch is one small function in the
modules here that says what is missing; :data:`_INTERNALS` and :data:`_ATTRIBUTES` list what they lean on, and
:func:`install` refuses to start when a release of either library has moved it.
"""

import functools
import inspect
from typing import Any

import aioice.ice
import aioice.turn
import aiortc.rtcdtlstransport
import aiortc.rtcicetransport
import aiortc.rtcpeerconnection
import aiortc.rtcrtpsender
import aiortc.rtcsctptransport
import aiortc.rtp

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.aiortc_ext import channels, ice, negotiation, sender

_INTERNALS: tuple[tuple[Any, str, tuple[str, ...] | None], ...] = (
    (aiortc.rtp, "DYNAMIC_PAYLOAD_TYPES", None),
    (aiortc.rtcrtpsender.RTCRtpSender, "_run_rtp", ("self", "codec")),
    (aiortc.rtcrtpsender.RTCRtpSender, "_send_rtcp", ("self", "packets")),
    (aiortc.rtcrtpsender.RTCRtpSender, "_handle_rtcp_packet", ("self", "packet")),
    (aiortc.rtcdtlstransport.State, "CONNECTED", None),
    (aiortc.rtcpeerconnection, "is_codec_compatible", ("a", "b")),
    (
        aiortc.rtcsctptransport.RTCSctpTransport,
        "_data_channel_receive",
        ("self", "stream_id", "pp_id", "data"),
    ),
    (aioice.ice, "get_host_addresses", ("use_ipv4", "use_ipv6")),
    (aioice.ice.StunProtocol, "datagram_received", ("self", "data", "addr")),
    (
        aioice.ice.StunProtocol,
        "request",
        ("self", "request", "addr", "integrity_key", "retransmissions"),
    ),
    (aioice.ice.Connection, "check_complete", ("self", "pair")),
    (aioice.turn.TurnTransport, "sendto", ("self", "data", "addr")),
)
"""Owner, name and, of functions, the parameters."""

_ATTRIBUTES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        aiortc.rtcrtpsender.RTCRtpSender,
        (
            "_ssrc",
            "_rtx_ssrc",
            "_RTCRtpSender__rtp_started",
            "_RTCRtpSender__rtp_exited",
            "_RTCRtpSender__lsr",
            "_RTCRtpSender__lsr_time",
            "_RTCRtpSender__ntp_timestamp",
            "_RTCRtpSender__rtp_timestamp",
            "_RTCRtpSender__octet_count",
            "_RTCRtpSender__packet_count",
        ),
    ),
    (
        aiortc.rtcdtlstransport.RTCDtlsTransport,
        ("_state", "_tx_srtp", "_RTCDtlsTransport__tx_bytes", "_RTCDtlsTransport__tx_packets"),
    ),
    (aiortc.rtcicetransport.RTCIceTransport, ("_connection",)),
    (aioice.ice.Connection, ("_nominated",)),
    (aioice.ice.CandidatePair, ("protocol",)),
    (aioice.turn.TurnTransport, ("_TurnTransport__inner_protocol",)),
)
"""Class, and attributes that it gives its objects when they are made."""


@functools.cache
def install() -> None:
    """Patch aiortc and aioice; further calls do nothing.

    Raises:
        MediaError: an internal that a patch needs is gone or has changed.
    """
    _check_internals()
    sender.negotiate_playout_delay()
    sender.send_console_frames()
    sender.hear_feedback()
    sender.date_sender_reports()
    ice.drop_strangers_datagrams()
    ice.name_host_addresses()
    ice.time_checks()
    negotiation.accept_all_payload_types()
    negotiation.register_formats()
    negotiation.tell_profiles_apart()
    channels.keep_data_channels_apart()


def _check_internals() -> None:
    releases = f"aiortc {aiortc.__version__} with aioice {aioice.__version__}"
    for owner, name, parameters in _INTERNALS:
        found = getattr(owner, name, None)
        if found is None:
            raise MediaError(f"{releases} cannot be used: {owner.__name__}.{name} is gone")
        if parameters is not None and tuple(inspect.signature(found).parameters) != parameters:
            raise MediaError(f"{releases} cannot be used: {owner.__name__}.{name} takes other arguments")
    for class_, names in _ATTRIBUTES:
        missing = set(names) - set(vars(class_)["__init__"].__code__.co_names)
        if missing:
            raise MediaError(
                f"{releases} cannot be used: {class_.__name__} has no {', '.join(sorted(missing))}"
            )
    connection = set(inspect.signature(aioice.ice.Connection.__init__).parameters)
    if not {"use_ipv4", "use_ipv6"} <= connection:
        raise MediaError(f"{releases} cannot be used: Connection takes other arguments")
