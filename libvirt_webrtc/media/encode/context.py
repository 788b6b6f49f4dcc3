"""What every PyAV encoder here starts from, and how many threads encoders have."""

import os
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.formats import CLOCK_RATE, MAX_FRAME_RATE

_NEVER = 1 << 30
_SLICE_PIXELS = 2_500_000


def new_context(name: str, width: int, height: int, *, pix_fmt: str = "yuv420p") -> VideoCodecContext:
    """FFmpeg's encoder ``name``, not open yet: keyframes only on request, time in RTP's clock.

    Raises:
        av.FFmpegError, ValueError: this build of FFmpeg does not have it.
    """
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = width, height
    context.pix_fmt = pix_fmt
    context.time_base = Fraction(1, CLOCK_RATE)
    context.framerate = Fraction(MAX_FRAME_RATE)
    context.gop_size = _NEVER
    return context


def cores() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


def slice_threads(width: int, height: int) -> int:
    """Threads of libx264 for this size, which cuts a frame into as many slices: less delay, for more CPU and bits. So
    only where one thread is too slow."""
    return min(cores(), 4) if width * height > _SLICE_PIXELS else 1


def libvpx_threads(width: int, height: int, *, from_pixels: int) -> int:
    """Threads of libvpx for this size: one up to ``from_pixels``. They spin while they wait: never all the cores."""
    return min(max(cores() - 1, 1), 4) if width * height > from_pixels else 1
