"""One video encoder for one picture size, through PyAV; each codec's settings are in a module of their own.

Tuned for a console: no delay (a frame goes in, its packet comes out), keyframes only on request, quality
rather than a fixed bit rate, and next to nothing for a picture that does not change.
"""

from fractions import Fraction

import av
from av.video.frame import PictureType

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media import hardware, vp9, vpx, x264
from libvirt_webrtc.media.convert import LIMITED_RANGE, SMPTE170M
from libvirt_webrtc.media.formats import CLOCK_RATE, FULL, Layer, VideoFormat
from libvirt_webrtc.media.frame import EncodedFrame
from libvirt_webrtc.media.packetize import Packetizer

_SOFTWARE = {
    VideoFormat.H264: x264.context,
    VideoFormat.H264_444: x264.context_444,
    VideoFormat.VP8: vpx.context,
    VideoFormat.VP9: vp9.context,
    VideoFormat.VP9_444: vp9.context_444,
}


class VideoEncoder:
    """Encodes frames of one size; not thread-safe, and :meth:`encode` is for a worker thread.

    PyAV releases the GIL while it encodes.

    Args:
        hardware_name: FFmpeg's name of a hardware encoder for the format; None for software.
        color_range: of the frames that will come (see :class:`FrameConverter`).

    Raises:
        MediaError: this build of PyAV lacks the encoder, or it does not take the size.
    """

    def __init__(
        self,
        format_: VideoFormat,
        width: int,
        height: int,
        *,
        layer: Layer = FULL,
        color_range: int = LIMITED_RANGE,
        hardware_name: str | None = None,
    ) -> None:
        self.format = format_
        self.width = width
        self.height = height
        self._packetizer = Packetizer(format_)
        try:
            if hardware_name is None:
                context = _SOFTWARE[format_](width, height, layer)
            else:
                context = hardware.kind(format_, hardware_name).context(width, height, layer)
            self._context = context
            self.name = context.name
            # The stream tells its colours, or decoders guess BT.709 for large pictures and show wrong ones.
            context.colorspace = context.color_primaries = context.color_trc = SMPTE170M
            context.color_range = color_range
            context.open()
        except (av.FFmpegError, ValueError) as error:
            # FFmpeg's own words; PyAV adds all options.
            reason = error.strerror if isinstance(error, av.FFmpegError) else error
            made_by = hardware_name or "software"
            raise MediaError(f"no {format_} by {made_by} for {width}x{height}: {reason}") from error

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
            raise MediaError(f"{self.name} failed: {error}") from error
        if len(packets) != 1:
            raise MediaError(f"{self.name} made {len(packets)} packets of one frame")
        data = bytes(packets[0])
        return EncodedFrame(self.format, timestamp, packets[0].is_keyframe, data, self._packetizer.cut(data))
