"""What aiortc and aioice do not offer, patched in: the only package that touches their internals.

:func:`install` changes both libraries for the whole process, once. Each patch is one small function in the
modules here that says what is missing; :data:`_INTERNALS` lists what they lean on, and :func:`install` refuses to
start when a release of either library has moved it.
"""

import functools
import inspect
from importlib.metadata import version
from typing import Any

import aioice.ice
import aiortc.rtcpeerconnection
import aiortc.rtcrtpsender
import aiortc.rtcsctptransport
import aiortc.rtp

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.aiortc_ext import channels, ice, negotiation, sender

_INTERNALS: tuple[tuple[Any, str, tuple[str, ...] | None], ...] = (
    (aiortc.rtcrtpsender.RTCRtpSender, "_send_keyframe", ("self",)),
    (aiortc.rtcrtpsender, "RTP_HISTORY_SIZE", None),
    (aiortc.rtp, "DYNAMIC_PAYLOAD_TYPES", None),
    (aiortc.rtp.HeaderExtensionsMap, "configure", ("self", "parameters")),
    (aiortc.rtp.HeaderExtensionsMap, "set", ("self", "values")),
    (aiortc.rtcrtpsender.RTCRtpSender, "_next_encoded_frame", ("self", "codec")),
    (aiortc.rtcpeerconnection, "is_codec_compatible", ("a", "b")),
    (
        aiortc.rtcsctptransport.RTCSctpTransport,
        "_data_channel_receive",
        ("self", "stream_id", "pp_id", "data"),
    ),
    (aioice.ice, "get_host_addresses", ("use_ipv4", "use_ipv6")),
    (aioice.ice.StunProtocol, "datagram_received", ("self", "data", "addr")),
    (aioice.ice.Connection, "check_complete", ("self", "pair")),
)
"""Owner, name and, of functions, the parameters."""


@functools.cache
def install() -> None:
    """Patch aiortc and aioice; further calls do nothing.

    Raises:
        MediaError: an internal that a patch needs is gone or has changed.
    """
    _check_internals()
    sender.route_picture_loss()
    sender.send_playout_delay()
    ice.drop_strangers_datagrams()
    ice.name_host_addresses()
    negotiation.accept_all_payload_types()
    negotiation.offer_h264_profiles()
    channels.keep_data_channels_apart()
    sender.keep_longer_history()
    sender.send_encoded_frames()


def _check_internals() -> None:
    releases = f"aiortc {version('aiortc')} with aioice {version('aioice')}"
    for owner, name, parameters in _INTERNALS:
        found = getattr(owner, name, None)
        if found is None:
            raise MediaError(f"{releases} cannot be used: {owner.__name__}.{name} is gone")
        if parameters is not None and tuple(inspect.signature(found).parameters) != parameters:
            raise MediaError(f"{releases} cannot be used: {owner.__name__}.{name} takes other arguments")
    connection = set(inspect.signature(aioice.ice.Connection.__init__).parameters)
    if not {"use_ipv4", "use_ipv6"} <= connection:
        raise MediaError(f"{releases} cannot be used: Connection takes other arguments")
