"""What aiortc and aioice do not offer, patched in: the only module that touches their internals.

:func:`install` changes both libraries for the whole process, once. Each patch is one small function below that says
what is missing; :data:`_INTERNALS` lists what they lean on, and :func:`install` refuses to start when a release of
either library has moved it.
"""

import functools
import inspect
import ipaddress
import logging
from collections import deque
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import aioice.ice
import aiortc.codecs.h264
import aiortc.rtcpeerconnection
import aiortc.rtcrtpsender
import aiortc.rtcsctptransport
import aiortc.rtp
import aiortc.sdp
from aiortc import RTCRtpTransceiver
from aiortc.codecs import CODECS, HEADER_EXTENSIONS, get_capabilities
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpParameters,
)

from libvirt_webrtc.errors import ConfigError, MediaError, NegotiationError
from libvirt_webrtc.media.encoder import CLOCK_RATE, VideoCodec
from libvirt_webrtc.media.track import ConsoleTrack

logger = logging.getLogger(__name__)

PLAYOUT_DELAY_URI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
RTP_HISTORY_PACKETS = 512
"""Sent packets kept for retransmission, per viewer: a keyframe of 600 kB. A power of two."""

_H264_PROFILES = ("42e01f", "42001f", "4d001f", "640c1f", "64001f")
"""Every profile that a constrained baseline stream conforms to, the truest name first."""

_INTERNALS: tuple[tuple[Any, str, tuple[str, ...] | None], ...] = (
    (aiortc.rtcrtpsender.RTCRtpSender, "_send_keyframe", ("self",)),
    (aiortc.rtcrtpsender, "RTP_HISTORY_SIZE", None),
    (aiortc.rtp, "DYNAMIC_PAYLOAD_TYPES", None),
    (aiortc.rtp.HeaderExtensionsMap, "configure", ("self", "parameters")),
    (aiortc.rtp.HeaderExtensionsMap, "set", ("self", "values")),
    (aiortc.codecs.h264.H264Encoder, "pack", ("self", "packet")),
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

_host_addresses: tuple[str, ...] | None = None


@functools.cache
def install() -> None:
    """Patch aiortc and aioice; further calls do nothing.

    Raises:
        MediaError: an internal that a patch needs is gone or has changed.
    """
    _check_internals()
    _route_picture_loss()
    _send_playout_delay()
    _drop_strangers_datagrams()
    _name_host_addresses()
    _accept_all_payload_types()
    _offer_h264_profiles()
    _keep_data_channels_apart()
    _keep_longer_history()
    _share_payloads()


def set_host_addresses(addresses: Sequence[str] | None) -> None:
    """Gather host candidates on these IP addresses only; None for aioice's choice: all but loopback.

    For connections made from here on, in the whole process.

    Raises:
        ConfigError: not an IP address.
    """
    global _host_addresses
    install()
    try:
        checked = None if addresses is None else tuple(str(ipaddress.ip_address(a)) for a in addresses)
    except ValueError as error:
        raise ConfigError(f"ICE candidates need IP addresses: {error}") from error
    _host_addresses = checked


def offer_loopback() -> None:
    """Gather host candidates on this machine's loopback address too, before all others."""
    set_host_addresses(["127.0.0.1", *aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True)])


def choose_codec(offer_sdp: str) -> VideoCodec:
    """The codec to answer an offer with: H.264 in packetization mode 1 if it is there, else VP8.

    Raises:
        NegotiationError: not SDP, or no video section that wants to receive one of the two.
    """
    install()
    try:
        media = aiortc.sdp.SessionDescription.parse(offer_sdp).media
    except Exception as error:
        # aiortc's parser raises whatever its slicing and asserting comes upon.
        raise NegotiationError(f"the offer is not valid SDP: {error!r}") from error
    wanted = [m for m in media if m.kind == "video" and m.direction in ("recvonly", "sendrecv")]
    if not wanted:
        raise NegotiationError("the offer has no video section that receives")
    for codec in (VideoCodec.H264, VideoCodec.VP8):
        for local in (c for c in CODECS["video"] if c.name == codec):
            if any(_compatible(local, remote) for remote in wanted[0].rtp.codecs):
                return codec
    raise NegotiationError("the offer has neither H.264 with packetization-mode=1 nor VP8")


def leave_candidates_open(offer_sdp: str) -> str:
    """The offer without mDNS names, and without the claim that its candidates are all there are.

    Browsers hide their addresses behind ``NAME.local``. aioice would wait a second for each name that does not
    resolve (from another network none does), and give up at once where nothing is left and the candidates are
    said to be complete. Left open, it waits for the browser's own checks, which tell it the address.
    """
    return "".join(
        line
        for line in offer_sdp.splitlines(keepends=True)
        if not (line.startswith("a=candidate:") and ".local " in line)
        and line.strip() != "a=end-of-candidates"
    )


def prefer_codec(transceiver: RTCRtpTransceiver, codec: VideoCodec) -> None:
    """Answer with ``codec`` only, in its best fitting profile; call before the offer is set."""
    install()
    capabilities = get_capabilities("video").codecs
    order = {profile: index for index, profile in enumerate(_H264_PROFILES)}
    chosen = sorted(
        (c for c in capabilities if c.name == codec),
        key=lambda c: order.get(str(c.parameters.get("profile-level-id")), 0),
    )
    retransmission = [c for c in capabilities if c.name == "rtx"]
    transceiver.setCodecPreferences(chosen + retransmission)


def _compatible(local: RTCRtpCodecParameters, remote: RTCRtpCodecParameters) -> bool:
    try:
        return aiortc.rtcpeerconnection.is_codec_compatible(local, remote)
    except (TypeError, ValueError):
        # A packetization mode or a profile that is no number.
        return False


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


def _replace(owner: Any, name: str, new: Any) -> Any:
    """Put ``new`` in the place of ``owner.name``, and return what was there."""
    old = getattr(owner, name)
    setattr(owner, name, new)
    return old


def _route_picture_loss() -> None:
    """A PLI or FIR only reaches aiortc's own encoder, which an encoded track does not use: tell the track."""

    def _send_keyframe(self: Any) -> None:
        if isinstance(self.track, ConsoleTrack):
            self.track.request_keyframe()
        else:
            original(self)

    original = _replace(aiortc.rtcrtpsender.RTCRtpSender, "_send_keyframe", _send_keyframe)


def _send_playout_delay() -> None:
    """Tell the receiver to show each frame at once (0 to 0 ms) where it understands; saves 80 to 160 ms.

    The element is 24 zero bits (libwebrtc's ``docs/native-code/rtp-hdrext/playout-delay``). It is put behind
    aiortc's own, padded elements, which RFC 8285 allows.
    """
    used = {extension.id for kind in HEADER_EXTENSIONS.values() for extension in kind}
    free = next(number for number in range(1, 15) if number not in used)
    HEADER_EXTENSIONS["video"].append(RTCRtpHeaderExtensionParameters(id=free, uri=PLAYOUT_DELAY_URI))
    one_byte, two_byte = 0xBEDE, 0x1000

    def configure_(self: Any, parameters: RTCRtpParameters) -> None:
        configure(self, parameters)
        for extension in parameters.headerExtensions:
            if extension.uri == PLAYOUT_DELAY_URI:
                self._playout_delay_id = extension.id

    def set_(self: Any, values: aiortc.rtp.HeaderExtensions) -> tuple[int, bytes]:
        profile, value = pack(self, values)
        number = getattr(self, "_playout_delay_id", None)
        if number is None:
            return profile, value
        if number < 15 and profile in (0, one_byte):
            return one_byte, value + bytes((number << 4 | 2, 0, 0, 0))
        if profile in (0, two_byte):
            return two_byte, value + bytes((number, 3, 0, 0, 0, 0, 0, 0))
        # Does not fit into the short form of the others: do without.
        return profile, value

    configure = _replace(aiortc.rtp.HeaderExtensionsMap, "configure", configure_)
    pack = _replace(aiortc.rtp.HeaderExtensionsMap, "set", set_)


def _drop_strangers_datagrams() -> None:
    """aioice hands on what anybody sends to its socket, and aiortc ends the connection on an empty datagram.

    Only STUN, which authenticates itself, may come from anywhere; DTLS and SRTP (first byte from 20, RFC 7983) must
    come from the nominated pair, or from another of the signalled or authenticated pairs that has not failed, since a
    peer may send before its nomination has arrived, and may change its mind.
    """
    failed = aioice.ice.CandidatePair.State.FAILED

    def is_peer(self: Any, addr: tuple[str, int]) -> bool:
        connection = self.receiver
        for pair in connection._nominated.values():
            if pair.protocol is self and pair.remote_addr == addr:
                return True
        return any(
            pair.protocol is self and pair.remote_addr == addr and pair.state is not failed
            for pair in connection._check_list
        )

    def datagram_received(self: Any, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        if data and (data[0] < 4 or is_peer(self, (addr[0], addr[1]))):
            original(self, data, addr)

    original = _replace(aioice.ice.StunProtocol, "datagram_received", datagram_received)


def _name_host_addresses() -> None:
    """aioice takes every address of the machine but loopback: let the operator name them."""

    def get_host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        if _host_addresses is None:
            every: list[str] = original(use_ipv4, use_ipv6)
            return every
        wanted = {4: use_ipv4, 6: use_ipv6}
        return [a for a in _host_addresses if wanted[ipaddress.ip_address(a).version]]

    original = _replace(aioice.ice, "get_host_addresses", get_host_addresses)


def _accept_all_payload_types() -> None:
    """Chromium also uses 35 to 63 (RFC 8829); aiortc would answer with numbers of its own for those."""
    types = frozenset((*range(35, 64), *aiortc.rtp.DYNAMIC_PAYLOAD_TYPES))
    _replace(aiortc.rtp, "DYNAMIC_PAYLOAD_TYPES", types)


def _offer_h264_profiles() -> None:
    """aiortc knows two H.264 profiles; a constrained baseline stream is also a main and a high one.

    An answer must repeat the offer's profile (RFC 6184, 8.2.2); the level is only what *we* could receive.
    """
    video = CODECS["video"]
    known = {codec.parameters.get("profile-level-id") for codec in video}
    number = max(codec.payloadType or 0 for codec in video)
    for profile in _H264_PROFILES:
        if profile in known:
            continue
        feedback = [
            RTCRtcpFeedback(type="nack"),
            RTCRtcpFeedback(type="nack", parameter="pli"),
            RTCRtcpFeedback(type="goog-remb"),
        ]
        parameters: dict[str, int | str | None] = {
            "level-asymmetry-allowed": "1",
            "packetization-mode": "1",
            "profile-level-id": profile,
        }
        video.append(RTCRtpCodecParameters("video/H264", CLOCK_RATE, None, number + 1, feedback, parameters))
        video.append(
            RTCRtpCodecParameters("video/rtx", CLOCK_RATE, None, number + 2, [], {"apt": number + 1})
        )
        number += 2


def _keep_data_channels_apart() -> None:
    """A message that cannot be decoded, or whose handler raises, would end the viewer's whole connection."""

    async def _data_channel_receive(self: Any, stream_id: int, pp_id: int, data: bytes) -> None:
        try:
            await original(self, stream_id, pp_id, data)
        except ConnectionError:
            raise
        except Exception:
            logger.warning("a data channel message was dropped", exc_info=True)

    transport = aiortc.rtcsctptransport.RTCSctpTransport
    original = _replace(transport, "_data_channel_receive", _data_channel_receive)


def _keep_longer_history() -> None:
    """aiortc keeps 128 packets for retransmission: less than a keyframe."""
    _replace(aiortc.rtcrtpsender, "RTP_HISTORY_SIZE", RTP_HISTORY_PACKETS)


def _share_payloads() -> None:
    """Cut a packet into RTP payloads once, not once per viewer."""
    # A packet's viewers come for it one after the other; more consoles than this in one process only miss.
    recent: deque[tuple[Any, tuple[list[bytes], int]]] = deque(maxlen=4)

    def pack(self: Any, packet: Any) -> tuple[list[bytes], int]:
        for known, done in recent:
            if known is packet:
                return done
        payloads: tuple[list[bytes], int] = original(self, packet)
        recent.append((packet, payloads))
        return payloads

    original = _replace(aiortc.codecs.h264.H264Encoder, "pack", pack)
