"""Encoded frames cut into RTP payloads: once per frame, not once per viewer."""

import random
from fractions import Fraction

import av
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import CLOCK_RATE, VideoFormat
from libvirt_webrtc.media.rtp import packetizer_vp9
from libvirt_webrtc.media.rtp.frame import RtpFrame

MAX_PAYLOAD_BYTES = 1300
"""The largest payload, in bytes, as aiortc has it. With SRTP, UDP and IPv6 around it a packet stays below 1400 bytes,
and so passes Ethernet (1500) and WireGuard (1420) without being fragmented."""

_TIME_BASE = Fraction(1, CLOCK_RATE)


class Packetizer:
    """Cuts the frames of one rendition, in their order, by the RTP payload format of its codec.

    H.264 is RFC 6184 (packetization mode 1) and VP8 is RFC 7741 with 15-bit picture numbers; both are cut by aiortc.
    VP9 is RFC 9628, which aiortc does not have; see :mod:`libvirt_webrtc.media.rtp.packetizer_vp9`.
    """

    def __init__(self, format_: VideoFormat) -> None:
        self._picture_id = random.randrange(1 << 15)
        self._aiortc: H264Encoder | Vp8Encoder | None = None
        if format_.codec == "H264":
            self._aiortc = H264Encoder()
        elif format_.codec == "VP8":
            self._aiortc = Vp8Encoder()

    def cut(self, frame: EncodedFrame) -> RtpFrame:
        """The frame with its payloads.

        Raises:
            MediaError: the data is not what an encoder of this format makes.
        """
        if self._aiortc is None:
            self._picture_id = (self._picture_id + 1) % (1 << 15)
            return RtpFrame(frame, packetizer_vp9.cut(frame.data, self._picture_id, MAX_PAYLOAD_BYTES))
        packet = av.Packet(frame.data)
        packet.pts, packet.time_base = frame.timestamp, _TIME_BASE
        payloads, _ = self._aiortc.pack(packet)
        return RtpFrame(frame, tuple(payloads))
