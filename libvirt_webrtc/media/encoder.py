"""One video encoder for one picture size, by libx264 or libvpx through PyAV.

Tuned for a console: no delay (a frame goes in, its packet comes out), keyframes only on request, quality
rather than a fixed bit rate, and next to nothing for a picture that does not change.
"""

import os
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.convert import LIMITED_RANGE, SMPTE170M
from libvirt_webrtc.media.formats import CLOCK_RATE, FULL, MAX_FRAME_RATE, Layer, VideoFormat
from libvirt_webrtc.media.frame import EncodedFrame
from libvirt_webrtc.media.packetize import Packetizer

_X264_CRF = 23
_VP8_CRF = 10
_NEVER = 1 << 30
_SLICE_PIXELS = 2_500_000
_VP8_THREAD_PIXELS = 640 * 480


class VideoEncoder:
    """Encodes 4:2:0 frames of one size; not thread-safe, and :meth:`encode` is for a worker thread.

    H.264 is constrained baseline, Annex B, with parameter sets at every keyframe, and the level that the size
    needs. PyAV releases the GIL while it encodes.

    Raises:
        MediaError: this build of PyAV lacks the encoder, or it does not take the size.
    """

    def __init__(self, format_: VideoFormat, width: int, height: int, *, layer: Layer = FULL) -> None:
        self.format = format_
        self.width = width
        self.height = height
        self._packetizer = Packetizer(format_)
        try:
            make = _vp8 if format_ is VideoFormat.VP8 else _h264
            self._context = make(width, height, layer.max_bitrate)
            self._context.open()
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(f"no {format_} encoder for {width}x{height}: {error}") from error

    def encode(self, frame: av.VideoFrame, *, timestamp: int, keyframe: bool = False) -> EncodedFrame:
        """``frame`` encoded, at ``timestamp`` (90 kHz, growing); an intra picture if ``keyframe``.

        Raises:
            MediaError: the encoder failed, or held the frame back.
        """
        frame.pts = timestamp
        frame.time_base = Fraction(1, CLOCK_RATE)
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(f"{self.format} encoding failed: {error}") from error
        if len(packets) != 1:
            raise MediaError(f"the {self.format} encoder made {len(packets)} packets of one frame")
        data = bytes(packets[0])
        return EncodedFrame(self.format, timestamp, packets[0].is_keyframe, data, self._packetizer.cut(data))


def _h264(width: int, height: int, max_bitrate: int) -> VideoCodecContext:
    context = _context("libx264", width, height)
    # BT.601 as it is, or decoders guess BT.709 for large pictures and show wrong colours.
    context.colorspace = context.color_primaries = context.color_trc = SMPTE170M
    context.color_range = LIMITED_RANGE
    # zerolatency cuts a frame into one slice per thread: less delay for more CPU and bits, so only where a
    # single thread is too slow.
    context.thread_count = min(_cores(), 4) if width * height > _SLICE_PIXELS else 1
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "crf": str(_X264_CRF),
        "maxrate": str(max_bitrate),
        "bufsize": str(max_bitrate),
        "forced-idr": "1",
    }
    return context


def _vp8(width: int, height: int, max_bitrate: int) -> VideoCodecContext:
    context = _context("libvpx", width, height)
    context.bit_rate = max_bitrate
    context.qmin, context.qmax = 2, 56
    # libvpx' threads spin while they wait: never as many as there are cores.
    spare = max(_cores() - 1, 1)
    context.thread_count = min(spare, 4) if width * height > _VP8_THREAD_PIXELS else 1
    context.options = {
        "deadline": "realtime",
        "cpu-used": "-6",
        "lag-in-frames": "0",
        "static-thresh": "1",
        # With a bit rate: constrained quality. At a constant rate, text stayed 20 dB worse after scrolling.
        "crf": str(_VP8_CRF),
    }
    return context


def _context(name: str, width: int, height: int) -> VideoCodecContext:
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, CLOCK_RATE)
    context.framerate = Fraction(MAX_FRAME_RATE)
    context.gop_size = _NEVER
    return context


def _cores() -> int:
    return len(os.sched_getaffinity(0))
