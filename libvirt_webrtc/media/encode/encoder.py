"""One video encoder for one picture size: which library makes a format, and what all libraries are asked for.

Encoders are tuned for a console: no delay (a frame goes in, its data comes out), keyframes only on request, a quality
rather than a fixed bit rate, and very little data for a picture that does not change.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import av
from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.aiortc_ext import libx264
from libvirt_webrtc.media.encode import hardware, libvpx, vp9, vpx, x264_ffmpeg
from libvirt_webrtc.media.encode.ffmpeg import FfmpegCoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.encode.settling import settling
from libvirt_webrtc.media.encode.x264 import X264Coder
from libvirt_webrtc.media.formats import FULL, Layer, VideoFormat
from libvirt_webrtc.picture.pixels import Rect

_FFMPEG: dict[VideoFormat, Callable[[int, int, Layer], VideoCodecContext]] = {
    VideoFormat.H264: x264_ffmpeg.context,
    VideoFormat.H264_444: x264_ffmpeg.context_444,
    VideoFormat.VP8: vpx.context,
    VideoFormat.VP9: vp9.context,
    VideoFormat.VP9_444: vp9.context_444,
}


class Coder(Protocol):
    """One library's encoder of one picture, which it reads from memory that it was given when it was made."""

    name: str
    """The encoder as FFmpeg names it: libx264, h264_nvenc, ..."""

    def encode(
        self, timestamp: int, changed: Iterable[Rect] | None, quality: Quality, *, keyframe: bool
    ) -> tuple[bytes, bool]:
        """Encode the picture as it is now; the data, and whether it is a keyframe. See :meth:`VideoEncoder.encode`.

        Raises:
            MediaError: the encoder failed, or held the frame back.
        """


class VideoEncoder:
    """Encodes one picture again and again. Not thread-safe; :meth:`encode` blocks, and releases the GIL meanwhile.

    Args:
        frame: the picture, in the format's chroma sampling; others write it between two calls.
        hardware_name: FFmpeg's name of a hardware encoder for the format; None for software.

    Raises:
        MediaError: this build of PyAV lacks the encoder, or it does not take the size.
    """

    def __init__(
        self,
        format_: VideoFormat,
        frame: av.VideoFrame,
        *,
        layer: Layer = FULL,
        hardware_name: str | None = None,
    ) -> None:
        self._format = format_
        try:
            self._coder = _coder(format_, frame, layer, hardware_name)
        except (av.FFmpegError, MediaError, ValueError) as error:
            made_by = hardware_name or "software"
            raise MediaError(
                f"no {format_} by {made_by} for {frame.width}x{frame.height}: {error}"
            ) from error
        self.name = self._coder.name
        """The encoder as FFmpeg names it."""

    @property
    def coder(self) -> type[Coder]:
        """Which way to the library is taken."""
        return type(self._coder)

    def encode(
        self,
        timestamp: int,
        *,
        changed: Iterable[Rect] | None = None,
        quality: Quality = Quality.MOTION,
        keyframe: bool = False,
    ) -> EncodedFrame:
        """Encode the picture as it is now. Blocks for some milliseconds.

        Args:
            timestamp: in ticks of RTP's 90 kHz clock; larger than in the last call.
            changed: the only parts that may differ from the last call's picture; None for all.
            quality: how fine the frame is to be.
            keyframe: make a frame that needs no other.

        Raises:
            MediaError: the encoder failed, or held the frame back.
        """
        data, is_keyframe = self._coder.encode(timestamp, changed, quality, keyframe=keyframe)
        return EncodedFrame(self._format, timestamp, is_keyframe, data)


def _coder(format_: VideoFormat, frame: av.VideoFrame, layer: Layer, hardware_name: str | None) -> Coder:
    size = frame.width, frame.height
    if hardware_name is not None:
        return FfmpegCoder(hardware.kind(format_, hardware_name).context(*size, layer), frame)
    # The lower layers are short of bits, not of CPU: there libx264's own rate control is worth what it costs.
    if format_.codec == "H264" and layer == FULL and libx264.is_usable():
        return X264Coder(frame, layer)
    context = _FFMPEG[format_](*size, layer)
    if format_.codec == "H264":
        return FfmpegCoder(context, frame)
    by_quality = settling(format_, layer, *size).by_quality
    return FfmpegCoder(context, frame, by_quality=by_quality, max_gap=libvpx.MAX_GAP)
