"""What the machine itself can do: libx264 as FFmpeg's users have it, on the same scrolling terminal, and nothing else.

The yardstick for a whole console's CPU: a figure of one machine says little about another.
"""

import time
from fractions import Fraction
from statistics import median

import av

from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.picture.pixels import Rect
from tests.bench.scroll import HEIGHT, WIDTH, Scroll

FRAMES = 60
FPS = 30
CRF = "23"


def cpu_ms_per_frame(*, full_chroma: bool) -> float:
    """CPU of one 1080p frame, of all threads (there is one): *ultrafast*, *zerolatency*, crf 23, no conversion."""
    converter = FrameConverter(WIDTH, HEIGHT, full_chroma=full_chroma)
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, converter.frame.format.name
    encoder.time_base = Fraction(1, FPS)
    encoder.thread_count = 1
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": CRF}
    scroll, taken = Scroll(), []
    for number in range(FRAMES):
        converter.convert(scroll.picture(number), [Rect(0, 0, WIDTH, HEIGHT)])
        converter.frame.pts = number
        began = time.process_time()
        encoder.encode(converter.frame)
        taken.append(1000 * (time.process_time() - began))
    return median(taken[1:])
