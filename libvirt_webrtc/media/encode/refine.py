"""One picture as several frames, which share its memory and which an encoder makes finer or coarser.

PyAV cannot change an encoder's quality once it runs. But FFmpeg's frames may carry regions of interest with an offset
to the quantizer (``AV_FRAME_DATA_REGIONS_OF_INTEREST``), which libx264 and libvpx honour frame by frame, and its
filter ``addroi`` puts them on. It is run once here, with the whole picture as the region.
"""

from fractions import Fraction

import av
from av.filter import Graph

from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.formats import CLOCK_RATE

_OFFSETS = {Quality.MOTION: 0.0, Quality.BETTER: -0.3, Quality.FINE: -1.0}
"""Offsets to the quantizer, as parts of its whole scale, which for x264 is 51; -1 is as fine as ``qmin`` allows. Motion
has an offset of zero because libvpx keeps the last regions for frames that have none."""


def graded(frame: av.VideoFrame) -> dict[Quality, av.VideoFrame]:
    """``frame`` in every quality. Nothing is copied: what is written into one of the frames is in all of them."""
    return {quality: _with_offset(frame, offset) for quality, offset in _OFFSETS.items()}


def _with_offset(frame: av.VideoFrame, offset: float) -> av.VideoFrame:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, CLOCK_RATE)
    )
    region = graph.add("addroi", f"w=iw:h=ih:qoffset={offset}")
    sink = graph.add("buffersink")
    graph.link_nodes(source, region, sink).configure()
    graph.vpush(frame)
    return graph.vpull()
