"""Headers against aiortc's own serialiser and parser."""

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket, unpack_header_extensions, wrap_rtx

from libvirt_webrtc.media.rtp.header import (
    ABS_SEND_TIME_URI,
    MID_URI,
    PLAYOUT_DELAY_URI,
    HeaderExtensions,
    pack_header,
    wrap_header,
)

UNIX_TIME = 1_800_000_123.456
SEND_TIME = int((UNIX_TIME + 2_208_988_800) * 2**18) & 0xFFFFFF
AIORTC_IDS: tuple[dict[str, int], ...] = (
    {},
    {MID_URI: 1},
    {ABS_SEND_TIME_URI: 14},
    {MID_URI: 4, ABS_SEND_TIME_URI: 2},
)


def aiortc_map(ids: dict[str, int]) -> HeaderExtensionsMap:
    made = HeaderExtensionsMap()
    extensions = [RTCRtpHeaderExtensionParameters(id=number, uri=uri) for uri, number in ids.items()]
    made.configure(RTCRtpParameters(headerExtensions=extensions))
    return made


def aiortc_packet(mid: str, payload: bytes = b"") -> RtpPacket:
    packet = RtpPacket(109, 1, 65_535, 4_000_000_000, 3_000_000_000, payload)
    packet.extensions.mid, packet.extensions.abs_send_time = mid, SEND_TIME
    return packet


@pytest.mark.parametrize("ids", AIORTC_IDS)
@pytest.mark.parametrize("mid", ["0", "12", "video-0123456789"])
def test_header_is_what_aiortc_serialises(ids: dict[str, int], mid: str) -> None:
    block = HeaderExtensions(ids, mid).at(UNIX_TIME)
    header = pack_header(109, 65_535, 4_000_000_000, 3_000_000_000, True, block)
    assert header == aiortc_packet(mid).serialize(aiortc_map(ids))


@pytest.mark.parametrize("ids", AIORTC_IDS)
def test_wrapped_header_is_what_aiortc_wraps(ids: dict[str, int]) -> None:
    block = HeaderExtensions(ids, "0").at(UNIX_TIME)
    header = pack_header(109, 65_535, 4_000_000_000, 3_000_000_000, True, block)
    repeated = wrap_header(header, payload_type=110, sequence=7, ssrc=5, extensions=block)
    theirs = wrap_rtx(aiortc_packet("0", b"payload"), payload_type=110, sequence_number=7, ssrc=5)
    assert repeated + b"payload" == theirs.serialize(aiortc_map(ids))


def test_playout_delay_is_zero_to_zero() -> None:
    ids = {MID_URI: 1, ABS_SEND_TIME_URI: 3, PLAYOUT_DELAY_URI: 12}
    block = HeaderExtensions(ids, "0").at(UNIX_TIME)
    assert len(block) % 4 == 0 and int.from_bytes(block[2:4]) * 4 == len(block) - 4
    elements = dict(unpack_header_extensions(0xBEDE, block[4:]))
    assert elements == {1: b"0", 3: SEND_TIME.to_bytes(3), 12: bytes(3)}


def test_what_the_short_form_cannot_hold_is_left_out() -> None:
    ids = {MID_URI: 1, ABS_SEND_TIME_URI: 15, PLAYOUT_DELAY_URI: 12}
    block = HeaderExtensions(ids, "a name of more than 16 bytes").at(UNIX_TIME)
    assert dict(unpack_header_extensions(0xBEDE, block[4:])) == {12: bytes(3)}


def test_header_without_extensions_has_no_block() -> None:
    assert HeaderExtensions({}, "0").at(UNIX_TIME) == b""
    packet = RtpPacket.parse(pack_header(96, 1, 2, 3, False, b"") + b"payload")
    assert (packet.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc) == (96, 1, 2, 3)
    assert packet.marker == 0 and packet.payload == b"payload"
