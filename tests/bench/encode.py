"""What encoding costs and how it looks, beside aiortc's own encoders; and how soon a still picture is fine."""

import time
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Protocol

import av
import numpy as np
import numpy.typing as npt
from aiortc.codecs import depayload
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from libvirt_webrtc.media.convert.converter import LIMITED_RANGE, FrameConverter
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame_scheduler import FrameScheduler, Quality
from libvirt_webrtc.media.encode.settling import settling
from libvirt_webrtc.media.formats import CLOCK_RATE, FULL, VideoFormat
from libvirt_webrtc.picture.pixels import Pixels, Rect
from tests.bench.figures import Figure, Figures
from tests.bench.pictures import SIZES, scenes, scroll
from tests.bench.stage import Options, progress

FRAME_RATE = 30
FRAMES = 6
"""How many frames of each scene are encoded after its keyframe."""
REFINED_S = 0.3
"""How long after the last change the quality is looked at, in seconds."""
FORMATS = (VideoFormat.H264, VideoFormat.H264_444, VideoFormat.VP8)

Luma = npt.NDArray[np.float64]


class Coder(Protocol):
    """A way to make bytes of a converted picture."""

    full_chroma: bool
    codec: str

    def encode(self, frame: av.VideoFrame, changed: list[Rect]) -> bytes: ...


class Ours:
    """The product's encoder."""

    def __init__(self, format_: VideoFormat) -> None:
        self.full_chroma = format_.full_chroma
        self.codec = format_.codec
        self._format = format_
        self._encoder: VideoEncoder | None = None

    def encode(self, frame: av.VideoFrame, changed: list[Rect]) -> bytes:
        assert frame.pts is not None
        if self._encoder is None:
            self._encoder = VideoEncoder(self._format, frame)
        return self._encoder.encode(frame.pts, changed=changed).data


class Aiortcs:
    """aiortc's, with its own settings and rate control, as a track of pictures gets it."""

    full_chroma = False

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self._encoder: Any = H264Encoder() if codec == "H264" else Vp8Encoder()
        self._parameters = RTCRtpCodecParameters(f"video/{codec}", CLOCK_RATE)

    def encode(self, frame: av.VideoFrame, changed: list[Rect]) -> bytes:
        payloads, _ = self._encoder.encode(frame, changed)
        return b"".join(depayload(self._parameters, payload) for payload in payloads)


async def run(options: Options) -> Figures:
    """Each scene by each encoder at each size; CPU time of all threads, its last picture's quality."""
    samples: dict[str, list[float]] = defaultdict(list)
    for number in range(options.runs):
        for size, (width, height) in SIZES.items():
            for scene, pictures in scenes(width, height, FRAMES + 1).items():
                for name, coder in _coders():
                    for figure, value in _measure(coder, pictures).items():
                        samples[f"{scene}_{size}_{name}_{figure}"].append(value)
            progress(f"encode {number + 1}/{options.runs}: {size}")
        samples["refine_psnr_db"].append(_refine(*SIZES["1080p"]))
    return {key: Figure.of(values, _unit(key)) for key, values in samples.items()}


def _coders() -> Iterator[tuple[str, Coder]]:
    for format_ in FORMATS:
        yield format_.lower(), Ours(format_)
    for codec in ("H264", "VP8"):
        yield f"aiortc_{codec.lower()}", Aiortcs(codec)


def _measure(coder: Coder, pictures: list[tuple[Pixels, Rect]]) -> dict[str, float]:
    height, width = pictures[0][0].shape[:2]
    converter = FrameConverter(width, height, full_chroma=coder.full_chroma)
    decoder = av.CodecContext.create({"H264": "h264", "VP8": "libvpx"}[coder.codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    times, sizes = [], []
    for index, (pixels, damage) in enumerate(pictures):
        changed = converter.convert(pixels, [damage if index else Rect(0, 0, width, height)])
        frame = converter.frame
        frame.pts, frame.time_base = (index + 1) * CLOCK_RATE // FRAME_RATE, Fraction(1, CLOCK_RATE)
        start = time.process_time()
        data = coder.encode(frame, changed)
        taken = 1000 * (time.process_time() - start)
        (decoded,) = decoder.decode(av.Packet(data))
        if index:
            times.append(taken)
            sizes.append(len(data))
    got, want = _luma(decoded), _luma(converter.frame)
    milliseconds = float(np.median(times))
    return {
        "ms": milliseconds,
        "fps": 1000 / milliseconds,
        "mbps": float(np.mean(sizes)) * 8 * FRAME_RATE / 1e6,
        "psnr_db": _psnr(got, want),
        "ssim_percent": 100 * _ssim(got, want),
    }


def _refine(width: int, height: int) -> float:
    """dB of the luma of coloured words in 4:4:4, as the scheduler has them after ``REFINED_S`` of stillness."""
    format_ = VideoFormat.H264_444
    converter = FrameConverter(width, height, full_chroma=True)
    encoder = VideoEncoder(format_, converter.frame)
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    scheduler = FrameScheduler(FULL.max_bitrate, settling(format_, FULL, width, height))
    now, decoded = 100.0, converter.frame
    pictures = scroll(width, height)

    def encode(quality: Quality) -> int:
        nonlocal decoded
        made = encoder.encode(int(now * CLOCK_RATE), quality=quality)
        (decoded,) = decoder.decode(av.Packet(made.data))
        return len(made.data)

    for _ in range(FRAME_RATE):
        now += 1 / FRAME_RATE
        converter.convert(next(pictures)[0], [Rect(0, 0, width, height)])
        scheduler.change(now)
        plan = scheduler.next()
        assert plan is not None
        scheduler.begin(plan, now)
        scheduler.finish(plan, size=encode(plan.quality), keyframe=False)
    still = now
    while (plan := scheduler.next()) is not None and plan.at <= still + REFINED_S:
        now = plan.at
        scheduler.begin(plan, now)
        scheduler.finish(plan, size=encode(plan.quality), keyframe=False)
    return _psnr(_luma(decoded), _luma(converter.frame))


def _luma(frame: av.VideoFrame) -> Luma:
    """0 to 255, whatever the frame's range."""
    plane = plane_view(frame.planes[0]).astype(np.float64)
    return (plane - 16) * 255 / 219 if frame.color_range == LIMITED_RANGE else plane


def _psnr(got: Luma, want: Luma) -> float:
    return min(10 * float(np.log10(255**2 / max(float(np.mean((got - want) ** 2)), 1e-9))), 99.0)


def _ssim(got: Luma, want: Luma) -> float:
    """Structural similarity (Wang et al., 2004), over squares of 8 that do not overlap."""
    rows, columns = (length // 8 * 8 for length in got.shape)
    one, other = (
        plane[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2).reshape(-1, 64)
        for plane in (got, want)
    )
    mean_one, mean_other = one.mean(axis=1), other.mean(axis=1)
    covariance = (one * other).mean(axis=1) - mean_one * mean_other
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_one * mean_other + c1) * (2 * covariance + c2)
    below = (mean_one**2 + mean_other**2 + c1) * (one.var(axis=1) + other.var(axis=1) + c2)
    return float(np.mean(above / below))


def _unit(key: str) -> str:
    for ending, unit in (("_ms", "ms"), ("_fps", "frames/s"), ("_mbps", "Mbit/s"), ("_db", "dB")):
        if key.endswith(ending):
            return unit
    return "%"
