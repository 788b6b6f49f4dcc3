"""Which format an offer is answered with, and what is changed in an offer; what needs two peers is in test_webrtc."""

import re
from collections.abc import Sequence

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from libvirt_webrtc.errors import NegotiationError
from libvirt_webrtc.media.aiortc_ext.negotiation import adapt_offer, choose_format, prefer_format
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.formats import DEFAULT_FORMATS, VideoFormat, formats_of
from libvirt_webrtc.picture.framebuffer import Framebuffer

HEAD = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=fingerprint:sha-256 {fingerprint}
"""
VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF {types}
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=setup:actpass
a=mid:0
a={direction}
a=rtcp-mux
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:12 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
"""


def h264(number: int, profile: str, mode: str = "1") -> str:
    return (
        f"a=rtpmap:{number} H264/90000\na=rtcp-fb:{number} nack\na=rtcp-fb:{number} nack pli\n"
        f"a=fmtp:{number} level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile}\n"
        f"a=rtpmap:{number + 1} rtx/90000\na=fmtp:{number + 1} apt={number}\n"
    )


def vp8(number: int) -> str:
    return f"a=rtpmap:{number} VP8/90000\na=rtcp-fb:{number} nack pli\n"


def offer(*codecs: str, direction: str = "recvonly") -> str:
    types = " ".join(re.findall(r"a=rtpmap:(\d+)", "".join(codecs)))
    head = HEAD.format(fingerprint=":".join(["AB"] * 32))
    text = head + VIDEO.format(types=types, direction=direction) + "".join(codecs)
    return text.replace("\n", "\r\n")


CHROMIUM = (
    vp8(96),
    h264(103, "42001f"),
    h264(107, "42001f", mode="0"),
    h264(109, "42e01f"),
    h264(115, "42e01f", mode="0"),
    h264(117, "4d001f"),
    h264(39, "4d001f", mode="0"),
    h264(41, "f4001f"),
    h264(123, "64001f"),
)


async def answer_to(sdp: str, formats: Sequence[VideoFormat] = DEFAULT_FORMATS) -> str:
    video = ConsoleVideo(Framebuffer())
    codec = choose_format(sdp, formats)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        prefer_format(peer.addTransceiver(video.track(codec), "sendonly"), codec)
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        return (await peer.createAnswer()).sdp
    finally:
        await peer.close()
        await video.close()


def payload_types(sdp: str) -> list[int]:
    line = next(line for line in sdp.splitlines() if line.startswith("m=video"))
    return [int(number) for number in line.split()[3:]]


@pytest.mark.parametrize("profile", ["42001f", "42e01f", "42e034", "4d001f", "640c1f", "64001f"])
async def test_every_h264_profile_is_answered_with_itself(profile: str) -> None:
    answer = await answer_to(offer(h264(100, profile)))
    assert payload_types(answer) == [100, 101]
    assert f"profile-level-id={profile[:4]}" in answer


async def test_chromium_is_answered_in_h264_with_every_pixels_colour() -> None:
    answer = await answer_to(offer(*CHROMIUM))
    assert payload_types(answer) == [41, 42]
    assert "profile-level-id=f4001f" in answer and "VP8" not in answer
    assert "a=extmap:12 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay" in answer


async def test_chromium_is_answered_in_constrained_baseline_where_4_4_4_is_forbidden() -> None:
    answer = await answer_to(offer(*CHROMIUM), (VideoFormat.H264, VideoFormat.VP8))
    assert payload_types(answer)[:2] == [109, 110]
    assert "VP8" not in answer and "f4001f" not in answer


async def test_viewer_without_4_4_4_is_answered_in_constrained_baseline() -> None:
    sdp = offer(*(codec for codec in CHROMIUM if "f4001f" not in codec))
    assert choose_format(sdp) is VideoFormat.H264
    assert payload_types(await answer_to(sdp))[:2] == [109, 110]


VP9 = ("98 VP9 profile-id=2", "100 VP9 profile-id=0", "35 VP9 profile-id=1")


@pytest.mark.parametrize(
    ("codecs", "offered", "number", "parameters"),
    [
        (["vp9"], VP9, 35, "profile-id=1"),
        (["vp9"], VP9[:2], 100, "profile-id=0"),
        (["vp9"], ("98 VP9 x-nothing=1",), 98, "profile-id=0"),
    ],
)
async def test_vp9_is_answered_in_a_profile_that_is_sent(
    codecs: list[str], offered: tuple[str, ...], number: int, parameters: str
) -> None:
    lines = [
        f"a=rtpmap:{payload_type} {name}/90000\na=fmtp:{payload_type} {rest}\n"
        for payload_type, name, rest in (each.split() for each in offered)
    ]
    answer = await answer_to(offer(*CHROMIUM, *lines), formats_of(codecs))
    assert payload_types(answer) == [number]
    assert f"a=fmtp:{number} {parameters}\r\n" in answer


def test_codecs_that_are_not_set_are_not_answered_with() -> None:
    vp9 = offer("a=rtpmap:98 VP9/90000\na=fmtp:98 profile-id=0\n")
    assert choose_format(vp9, formats_of(["vp9"])) is VideoFormat.VP9
    with pytest.raises(NegotiationError, match="sent as: H.264 with packetization-mode=1, VP8$"):
        choose_format(vp9)


async def test_low_payload_types_are_kept() -> None:
    assert payload_types(await answer_to(offer(h264(35, "42e01f")))) == [35, 36]


@pytest.mark.parametrize(
    "codecs",
    [
        (vp8(96),),
        (vp8(96), h264(98, "42e01f", mode="0")),
        (vp8(96), h264(98, "f4001f", mode="0")),
        (vp8(96), h264(98, "x")),
    ],
)
async def test_vp8_is_second_choice(codecs: tuple[str, ...]) -> None:
    assert choose_format(offer(*codecs)) is VideoFormat.VP8
    assert payload_types(await answer_to(offer(*codecs))) == [96]


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "no SDP",
        "m=video x",
        offer(h264(98, "42e01f", mode="0")),
        offer(h264(98, "42e01f", mode="one")),
        offer("a=rtpmap:98 AV1/90000\n"),
        offer(vp8(96), direction="sendonly"),
        offer(vp8(96), direction="inactive"),
        offer(vp8(96)).replace("m=video 9", "m=video nine"),
    ],
)
def test_unusable_offer_is_a_negotiation_error(sdp: str) -> None:
    with pytest.raises(NegotiationError):
        choose_format(sdp)


async def test_the_browser_begins_the_handshake() -> None:
    assert "a=setup:active\r\n" in await answer_to(offer(*CHROMIUM))
    assert "a=setup:passive\r\n" in await answer_to(adapt_offer(offer(*CHROMIUM)))
    passive = offer(*CHROMIUM).replace("actpass", "passive")
    assert adapt_offer(passive) == passive
