"""H.264 by libx264, which is told each frame's quantizer and what has changed in it."""

from collections.abc import Iterable

import av
import numpy as np
import numpy.typing as npt

from libvirt_webrtc.media.aiortc_ext.libx264 import HIGHEST_QP, LOWEST_QP, MACROBLOCK, Encoder
from libvirt_webrtc.media.convert.converter import FULL_RANGE
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.media.encode.context import slice_threads
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.encode.rate import Kind, RateControl
from libvirt_webrtc.media.formats import CLOCK_RATE, MAX_FRAME_RATE, Layer
from libvirt_webrtc.picture.pixels import Rect

FINEST_QP = 10
FINEST_QP_444 = LOWEST_QP
"""The quantizers at which refining ends. At 2, coloured words in Chromium have 58 dB of luma and 52 dB of the worst
colour; at 4, 56 and 49.9 dB. 10 for 4:2:0 is a guess: its colours are lost anyway."""

SEARCH = {"me": "umh", "merange": "64"}
"""How libx264 looks for where a macroblock was before. Other methods do not find text that scrolls: words then took 25
times the bits and twice the CPU, with 13 dB less. With libx264's own range of 16 this began at 64 pixels a frame; with
64 it is found beyond 160."""
CHROMA_444 = {"chroma-qp-offset": "-6"}
"""libx264 takes 4:4:4 for film and makes its chroma coarser by 6 steps, which is seen in red and blue text: undo
that."""

_QP = {Quality.MOTION: 23, Quality.BETTER: 10, Quality.FINE: 0}
_KEYFRAME_QP = 20
"""The quantizer of keyframes: finer than that of motion, because the frames after a keyframe are built upon it."""

Mask = npt.NDArray[np.bool_]


class X264Coder:
    """Encodes ``frame``: 4:2:0 as constrained baseline, 4:4:4 as High 4:4:4 Predictive, in Annex B.

    Parameter sets come with every keyframe. It is a :class:`libvirt_webrtc.media.encode.encoder.Coder`.

    Raises:
        MediaError: PyAV's libx264 is not one that is known, or does not take the size.
    """

    name = "libx264"

    def __init__(self, frame: av.VideoFrame, layer: Layer) -> None:
        self._frame = frame  # kept: the encoder reads its memory
        settings = {
            **SEARCH,
            "fps": str(MAX_FRAME_RATE),
            "threads": str(slice_threads(frame.width, frame.height)),
            # The stream must tell its colours: decoders guess BT.709 for large pictures, and then show wrong ones.
            "colormatrix": "smpte170m",
            "colorprim": "smpte170m",
            "transfer": "smpte170m",
            "fullrange": "on" if frame.color_range == FULL_RANGE else "off",
        }
        self._finest, profile = FINEST_QP, "baseline"
        if frame.format.name == "yuv444p":
            self._finest, profile = FINEST_QP_444, "high444"
            settings |= CHROMA_444
        self._encoder = Encoder([plane_view(plane) for plane in frame.planes], settings, profile)
        self._rate = RateControl(layer.max_bitrate, layer.burst_s, HIGHEST_QP)
        self._quantizers = np.full(self._encoder.macroblocks, HIGHEST_QP, np.uint8)
        """The finest quantizer with which each macroblock has been encoded since it changed."""

    def encode(
        self, timestamp: int, changed: Iterable[Rect] | None, quality: Quality, *, keyframe: bool
    ) -> tuple[bytes, bool]:
        kind = Kind.MOTION if quality is Quality.MOTION else Kind.REFINEMENT
        if keyframe:
            kind, changed = Kind.KEYFRAME, None
        wanted = max(_KEYFRAME_QP if keyframe else _QP[quality], self._finest)
        mask = self._mask(changed)
        macroblocks = int(np.count_nonzero(mask | (self._quantizers > wanted)))
        quantizer = self._rate.quantizer(kind, wanted, macroblocks, timestamp / CLOCK_RATE)
        data, is_keyframe = self._encoder.encode(quantizer, mask, keyframe=keyframe)
        self._rate.encoded(kind, quantizer, macroblocks, len(data))
        np.minimum(self._quantizers, quantizer, out=self._quantizers)
        self._quantizers[mask] = quantizer
        return data, is_keyframe

    def _mask(self, changed: Iterable[Rect] | None) -> Mask:
        """The macroblocks that ``changed`` touches; all of them if it is None."""
        mask = np.full(self._quantizers.shape, changed is None)
        for rect in changed or ():
            rows = slice(rect.y // MACROBLOCK, -(-rect.bottom // MACROBLOCK))
            mask[rows, rect.x // MACROBLOCK : -(-rect.right // MACROBLOCK)] = True
        return mask
