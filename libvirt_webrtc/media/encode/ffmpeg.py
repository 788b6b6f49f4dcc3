"""Any encoder of FFmpeg, through PyAV; each codec's settings are in a module of their own."""

from collections.abc import Iterable
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.convert.converter import SMPTE170M
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.encode.refine import graded
from libvirt_webrtc.media.formats import CLOCK_RATE
from libvirt_webrtc.picture.pixels import Rect


class FfmpegCoder:
    """Encodes ``frame`` with ``context``; a :class:`libvirt_webrtc.media.encode.encoder.Coder`.

    Args:
        by_quality: whether frames of a finer quality are encoded finer; else the encoder's rate control decides alone.
        max_gap: the longest time between two frames that the encoder is told, in ticks of RTP's clock; None: as it is.

    Raises:
        MediaError: the encoder does not open.
    """

    def __init__(
        self,
        context: VideoCodecContext,
        frame: av.VideoFrame,
        *,
        by_quality: bool = True,
        max_gap: int | None = None,
    ) -> None:
        self.name = context.name
        # The stream must tell its colours: decoders guess BT.709 for large pictures, and then show wrong ones.
        context.colorspace = context.color_primaries = context.color_trc = SMPTE170M
        context.color_range = frame.color_range
        try:
            context.open()
        except (av.FFmpegError, ValueError) as error:
            # FFmpeg's own message is enough; PyAV's lists all options.
            raise MediaError(str(error.strerror if isinstance(error, av.FFmpegError) else error)) from error
        self._context = context
        self._frames = graded(frame) if by_quality else dict.fromkeys(Quality, frame)
        self._max_gap = max_gap
        self._timestamp: int | None = None
        self._told = 0

    def encode(
        self, timestamp: int, changed: Iterable[Rect] | None, quality: Quality, *, keyframe: bool
    ) -> tuple[bytes, bool]:
        frame = self._frames[quality]
        frame.pts = self._clock(timestamp)
        frame.time_base = Fraction(1, CLOCK_RATE)
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(f"{self.name} failed: {error}") from error
        if len(packets) != 1:
            raise MediaError(f"{self.name} made {len(packets)} packets of one frame")
        return bytes(packets[0]), packets[0].is_keyframe

    def _clock(self, timestamp: int) -> int:
        """The time that the encoder is told."""
        gap = timestamp - self._timestamp if self._timestamp is not None else 1
        self._timestamp = timestamp
        self._told += gap if self._max_gap is None else min(gap, self._max_gap)
        return self._told
