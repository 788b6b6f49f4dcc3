"""What all FFmpeg encoders here have in common, and how many threads encoders get."""

import os
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.formats import CLOCK_RATE, MAX_FRAME_RATE

_NEVER = 1 << 30
"""A number of frames between keyframes that no stream reaches."""
_SLICE_PIXELS = 2_500_000
"""The largest picture, in pixels, that one thread of libx264 encodes in time: beyond 1920x1200."""


def new_context(name: str, width: int, height: int, *, pix_fmt: str = "yuv420p") -> VideoCodecContext:
    """FFmpeg's encoder ``name``, not open yet, with keyframes only on request and time stamps in RTP's clock.

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
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0))


def slice_threads(width: int, height: int) -> int:
    """How many threads libx264 gets for this size: more than one only where one is too slow.

    libx264 cuts a frame into as many slices, which takes less time, but more CPU and bits.
    """
    return min(cores(), 4) if width * height > _SLICE_PIXELS else 1


def libvpx_threads(width: int, height: int, *, from_pixels: int) -> int:
    """How many threads libvpx gets for this size: one up to ``from_pixels``.

    It never gets as many as there are cores, because its threads spin while they wait.
    """
    return min(max(cores() - 1, 1), 4) if width * height > from_pixels else 1
