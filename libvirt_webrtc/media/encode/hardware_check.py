"""Checks whether a hardware encoder of this host makes what viewers are sent.

``python -m libvirt_webrtc.media.encode.hardware_check NAME`` prints a line for each format of the encoder:
``usable FORMAT`` or ``unusable FORMAT REASON``; drivers print lines of their own. It is a process of its own because
drivers crash and hang.
"""

import sys

import av
import numpy as np

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.hardware import KINDS
from libvirt_webrtc.media.formats import CLOCK_RATE, MAX_FRAME_RATE, VideoFormat
from libvirt_webrtc.picture.pixels import Rect

_WIDTH, _HEIGHT = 640, 360
_FRAMES = 6
_SECOND_KEYFRAME = 3
"""The number of the frame that is asked to be a keyframe, beside the first."""
_WORST_DB = 30.0
"""The least likeness, in decibels, of a decoded plane to the one that was encoded: any working encoder has more."""


def check(format_: VideoFormat, hardware_name: str | None) -> None:
    """Encode some frames of a moving picture, decode them in software, and compare.

    Raises:
        MediaError: the encoder does not open, holds frames back, makes keyframes of its own or none when asked, or
            the decoded picture is another one.
    """
    converter = FrameConverter(_WIDTH, _HEIGHT, full_chroma=format_.full_chroma)
    encoder = VideoEncoder(format_, converter.frame, hardware_name=hardware_name)
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    for number in range(_FRAMES):
        moved = x + 8 * number
        pixels = np.stack([moved // 4, y // 3, (moved + y) // 8, 0 * x], axis=-1).astype(np.uint8)
        pixels[number * 20 :: 40, 100:300] = 255
        converter.convert(pixels, [Rect(0, 0, _WIDTH, _HEIGHT)])
        wanted = number in (0, _SECOND_KEYFRAME)
        timestamp = number * CLOCK_RATE // MAX_FRAME_RATE
        encoded = encoder.encode(timestamp, keyframe=wanted)
        if encoded.keyframe != wanted:
            raise MediaError(f"frame {number} is {'not ' if wanted else ''}a keyframe")
        if wanted:
            # A new decoder: a keyframe must bring all that is needed.
            decoder = av.CodecContext.create("h264", "r")
            assert isinstance(decoder, av.VideoCodecContext)
            decoder.thread_count = 1
        try:
            decoded = decoder.decode(av.Packet(encoded.data))
        except av.FFmpegError as error:
            raise MediaError(f"frame {number} cannot be decoded: {error}") from error
        if len(decoded) != 1:
            raise MediaError(f"a decoder holds frame {number} back")
        difference = _decibels(decoded[0], converter.frame)
        if difference < _WORST_DB:
            raise MediaError(f"frame {number} is another picture: {difference:.0f} dB")


def _decibels(one: av.VideoFrame, other: av.VideoFrame) -> float:
    """Likeness of the least similar planes of two pictures, in decibels."""
    worst = max(
        float(np.mean((plane_view(a).astype(np.float64) - plane_view(b)) ** 2))
        for a, b in zip(one.planes, other.planes, strict=True)
    )
    return float(10 * np.log10(255**2 / max(worst, 1e-9)))


def main(name: str) -> None:
    """Check one encoder in each of its formats, and print the results."""
    for kind in KINDS:
        if kind.name == name:
            try:
                check(kind.format, name)
            except MediaError as error:
                print("unusable", kind.format, error, flush=True)
            else:
                print("usable", kind.format, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
