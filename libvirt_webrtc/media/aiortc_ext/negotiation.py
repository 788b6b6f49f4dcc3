"""Which format an offer is answered with, and what aiortc must know for that."""

import logging
from collections.abc import Iterable, Sequence
from typing import TypeVar

import aiortc.rtcpeerconnection
import aiortc.rtp
import aiortc.sdp
from aiortc import RTCRtpTransceiver
from aiortc.codecs import CODECS, get_capabilities
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecCapability, RTCRtpCodecParameters

from libvirt_webrtc.errors import NegotiationError
from libvirt_webrtc.media.aiortc_ext.patching import replace
from libvirt_webrtc.media.aiortc_ext.remote_candidates import limit_candidates
from libvirt_webrtc.media.formats import CLOCK_RATE, DEFAULT_FORMATS, VideoFormat

log = logging.getLogger(__name__)

_Codec = TypeVar("_Codec", RTCRtpCodecParameters, RTCRtpCodecCapability)

_PROFILES = {
    VideoFormat.H264: ("42e01f", "42001f", "4d001f", "640c1f", "64001f"),
    VideoFormat.H264_444: ("f4001f",),
    VideoFormat.VP9: ("0",),
    VideoFormat.VP9_444: ("1",),
}
"""For each format the profiles that our stream conforms to, the exact one first: a constrained baseline stream is also
a main and a high one."""

_PROFILE_PARAMETERS = {"H264": "profile-level-id", "VP9": "profile-id"}
"""The parameter that names the profile in SDP: RFC 6184, 8.1; RFC 9628, 6.1."""


def choose_format(offer_sdp: str, formats: Sequence[VideoFormat] = DEFAULT_FORMATS) -> VideoFormat:
    """The best format of the first video section; see :func:`choose_formats`."""
    return choose_formats(offer_sdp, formats)[0][0]


def choose_formats(
    offer_sdp: str, formats: Sequence[VideoFormat] = DEFAULT_FORMATS
) -> list[tuple[VideoFormat, ...]]:
    """For each video section those of ``formats`` that it offers, in their order; H.264 only in packetization mode 1.

    Raises:
        NegotiationError: it is not SDP, has no video section, or has one that does not receive or offers none of them.
    """
    try:
        media = aiortc.sdp.SessionDescription.parse(offer_sdp).media
    except Exception as error:
        # aiortc's parser raises many kinds of errors: it slices and asserts.
        log.debug("an offer that aiortc cannot parse: %r", error)
        raise NegotiationError(
            "the offer cannot be read: a line of it is incomplete, or is no SDP of WebRTC; send what createOffer made"
        ) from error
    video = [m for m in media if m.kind == "video"]
    if not video or any(m.direction not in ("recvonly", "sendrecv") for m in video):
        raise NegotiationError(
            "the offer needs a video section, and each has to receive (a=recvonly or a=sendrecv)"
        )
    return [_common_formats(section.rtp.codecs, formats) for section in video]


def _common_formats(
    offered: Sequence[RTCRtpCodecParameters], formats: Sequence[VideoFormat]
) -> tuple[VideoFormat, ...]:
    common = tuple(
        format_
        for format_ in formats
        if any(_compatible(local, remote) for local in _named(CODECS["video"], format_) for remote in offered)
    )
    if common:
        return common
    names = ", ".join(dict.fromkeys(f.codec for f in formats))
    names = names.replace("H264", "H.264 with packetization-mode=1")
    raise NegotiationError(f"the offer has none of what this console is sent as: {names}")


def adapt_offer(offer_sdp: str) -> str:
    """Change an offer so that aiortc connects sooner: leave its candidates open, and let the browser begin DTLS.

    aioice would wait a second for each candidate's name that does not resolve (from another network none does), and
    would give up at once where no candidate is left and the offer says that there will be no more. So names go, with
    others that are not to be checked (:func:`limit_candidates`), and so does that line: then aioice waits for the
    browser's own checks, which tell it the address.

    Where the offer leaves it open who begins the handshake (``actpass``, RFC 8842), aiortc would begin. Who begins
    repeats its flights until they are answered: browsers after about two of ICE's round trips, OpenSSL after a second,
    then two, then four. And who answers may send a round trip earlier.
    """
    return "".join(
        "a=setup:active\r\n" if line.strip() == "a=setup:actpass" else line
        for line in limit_candidates(offer_sdp).splitlines(keepends=True)
        if line.strip() != "a=end-of-candidates"
    )


def prefer_format(transceiver: RTCRtpTransceiver, *formats: VideoFormat) -> None:
    """Answer with these formats only, in the profiles that fit best; to be called before the offer is set.

    The first is what is sent unless the picture is too large for it.
    """
    capabilities = get_capabilities("video").codecs
    retransmission = [c for c in capabilities if c.name == "rtx"]
    named = [codec for format_ in formats for codec in _named(capabilities, format_)]
    transceiver.setCodecPreferences(named + retransmission)


def codecs_by_format(codecs: Iterable[RTCRtpCodecParameters]) -> dict[VideoFormat, RTCRtpCodecParameters]:
    """For each format the first of the negotiated ``codecs`` that it is sent as."""
    negotiated = list(codecs)
    return {
        format_: next(codec for codec in negotiated if codec in _named(negotiated, format_))
        for format_ in VideoFormat
        if _named(negotiated, format_)
    }


def accept_all_payload_types() -> None:
    """Take payload types from 35 to 63 as dynamic as well, as Chromium does (RFC 8829).

    aiortc would answer with numbers of its own in place of those.
    """
    types = frozenset((*range(35, 64), *aiortc.rtp.DYNAMIC_PAYLOAD_TYPES))
    replace(aiortc.rtp, "DYNAMIC_PAYLOAD_TYPES", types)


def register_formats() -> None:
    """Register the profiles of H.264 and VP9 that aiortc does not know: it has VP8 and two profiles of H.264.

    An answer must repeat the offer's profile (RFC 6184, 8.2.2); the level only says what *we* could receive.
    """
    known = {_profile(codec) for codec in CODECS["video"] if codec.name == "H264"}
    for format_, profiles in _PROFILES.items():
        for profile in profiles:
            parameters: dict[str, int | str | None] = {_PROFILE_PARAMETERS[format_.codec]: profile}
            if format_.codec == "H264":
                if profile in known:
                    continue
                parameters |= {"level-asymmetry-allowed": "1", "packetization-mode": "1"}
            _register(f"video/{format_.codec}", parameters)


def tell_profiles_apart() -> None:
    """Compare the profiles of VP9 as well: aiortc compares those of H.264 only, and would accept VP9 with 10 bits."""

    def is_codec_compatible(a: RTCRtpCodecParameters, b: RTCRtpCodecParameters) -> bool:
        return bool(original(a, b)) and (a.name == "H264" or _profile(a) == _profile(b))

    original = replace(aiortc.rtcpeerconnection, "is_codec_compatible", is_codec_compatible)


def _register(mime_type: str, parameters: dict[str, int | str | None]) -> None:
    """Make a codec and its retransmission known to aiortc."""
    video = CODECS["video"]
    number = max(codec.payloadType or 0 for codec in video) + 1
    feedback = [
        RTCRtcpFeedback(type="nack"),
        RTCRtcpFeedback(type="nack", parameter="pli"),
        RTCRtcpFeedback(type="goog-remb"),
    ]
    video.append(RTCRtpCodecParameters(mime_type, CLOCK_RATE, None, number, feedback, parameters))
    video.append(RTCRtpCodecParameters("video/rtx", CLOCK_RATE, None, number + 1, [], {"apt": number}))


def _named(codecs: Iterable[_Codec], format_: VideoFormat) -> list[_Codec]:
    """The ``codecs`` that a stream of ``format_`` conforms to, the best fitting first."""
    named = [codec for codec in codecs if codec.name == format_.codec]
    profiles = _PROFILES.get(format_)
    if profiles is None:
        return named
    return [codec for profile in profiles for codec in named if _profile(codec) == profile]


def _profile(codec: RTCRtpCodecParameters | RTCRtpCodecCapability) -> str | None:
    """The profile that a codec names; VP9's is 0 where it names none."""
    parameter = _PROFILE_PARAMETERS.get(codec.name)
    return None if parameter is None else str(codec.parameters.get(parameter, "0"))


def _compatible(local: RTCRtpCodecParameters, remote: RTCRtpCodecParameters) -> bool:
    try:
        return aiortc.rtcpeerconnection.is_codec_compatible(local, remote)
    except (TypeError, ValueError):
        # The packetization mode or the profile is no number.
        return False
