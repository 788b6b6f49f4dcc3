"""Which format an offer is answered with, and what aiortc must be told for that."""

import aiortc.rtcpeerconnection
import aiortc.rtp
import aiortc.sdp
from aiortc import RTCRtpTransceiver
from aiortc.codecs import CODECS, get_capabilities
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters

from libvirt_webrtc.errors import NegotiationError
from libvirt_webrtc.media.aiortc_ext.patching import replace
from libvirt_webrtc.media.formats import CLOCK_RATE, VideoFormat

_H264_PROFILES = ("42e01f", "42001f", "4d001f", "640c1f", "64001f")
"""Every profile that a constrained baseline stream conforms to, the truest name first."""


def choose_format(offer_sdp: str) -> VideoFormat:
    """The format to answer an offer with: H.264 in packetization mode 1 if it is there, else VP8.

    Raises:
        NegotiationError: not SDP, or no video section that wants to receive one of the two.
    """
    try:
        media = aiortc.sdp.SessionDescription.parse(offer_sdp).media
    except Exception as error:
        # aiortc's parser raises whatever its slicing and asserting comes upon.
        raise NegotiationError(f"the offer is not valid SDP: {error!r}") from error
    wanted = [m for m in media if m.kind == "video" and m.direction in ("recvonly", "sendrecv")]
    if not wanted:
        raise NegotiationError("the offer has no video section that receives")
    for format_ in (VideoFormat.H264, VideoFormat.VP8):
        for local in (c for c in CODECS["video"] if c.name == format_.codec):
            if any(_compatible(local, remote) for remote in wanted[0].rtp.codecs):
                return format_
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


def prefer_format(transceiver: RTCRtpTransceiver, format_: VideoFormat) -> None:
    """Answer with ``format_`` only, in its best fitting profile; call before the offer is set."""
    capabilities = get_capabilities("video").codecs
    order = {profile: index for index, profile in enumerate(_H264_PROFILES)}
    chosen = sorted(
        (c for c in capabilities if c.name == format_.codec),
        key=lambda c: order.get(str(c.parameters.get("profile-level-id")), 0),
    )
    retransmission = [c for c in capabilities if c.name == "rtx"]
    transceiver.setCodecPreferences(chosen + retransmission)


def accept_all_payload_types() -> None:
    """Chromium also uses 35 to 63 (RFC 8829); aiortc would answer with numbers of its own for those."""
    types = frozenset((*range(35, 64), *aiortc.rtp.DYNAMIC_PAYLOAD_TYPES))
    replace(aiortc.rtp, "DYNAMIC_PAYLOAD_TYPES", types)


def offer_h264_profiles() -> None:
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


def _compatible(local: RTCRtpCodecParameters, remote: RTCRtpCodecParameters) -> bool:
    try:
        return aiortc.rtcpeerconnection.is_codec_compatible(local, remote)
    except (TypeError, ValueError):
        # A packetization mode or a profile that is no number.
        return False
