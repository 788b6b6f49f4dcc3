"""An encoder's bytes cut into RTP payloads: once per frame, not once per viewer."""

import random

from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.rtp import packetizer_vp9 as packetize_vp9

MAX_PAYLOAD_BYTES = 1200
"""Of the payload formats here; aiortc's two take 1300."""


class Packetizer:
    """Cuts the frames of one rendition, in their order, as the format's RTP payload format says.

    H.264 is RFC 6184 (packetization mode 1), VP8 is RFC 7741 with 15-bit picture numbers; both are aiortc's. VP9
    has a module of its own.
    """

    def __init__(self, format_: VideoFormat) -> None:
        self._format = format_
        self._picture_id = random.randrange(1 << 15)

    def cut(self, data: bytes) -> tuple[bytes, ...]:
        """The payloads of one frame.

        Raises:
            MediaError: bytes that an encoder of this format does not make.
        """
        self._picture_id = (self._picture_id + 1) % (1 << 15)
        match self._format:
            case VideoFormat.H264 | VideoFormat.H264_444:
                return tuple(H264Encoder._packetize(H264Encoder._split_bitstream(data)))
            case VideoFormat.VP8:
                return tuple(Vp8Encoder._packetize(data, self._picture_id))
            case VideoFormat.VP9 | VideoFormat.VP9_444:
                return packetize_vp9.cut(data, self._picture_id, MAX_PAYLOAD_BYTES)
