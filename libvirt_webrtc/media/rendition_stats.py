"""What one rendition has done: counters since its first viewer came, and rates of the last second."""

from dataclasses import dataclass, field, replace

from libvirt_webrtc.media.formats import RenditionKey
from libvirt_webrtc.media.meter import Meter, Rates
from libvirt_webrtc.media.rtp.frame import RtpFrame


@dataclass(frozen=True, slots=True)
class RenditionStats:
    """One rendition at one moment; counters since its first viewer came."""

    key: RenditionKey
    viewers: int = 0
    frames: int = 0
    keyframes: int = 0
    bytes: int = 0
    failures: int = 0
    """Frames that were not made, or that needed a second encoder."""
    size: tuple[int, int] = field(default=(0, 0))
    """Encoded width and height in pixels."""
    encoder: str = ""
    """The encoder as FFmpeg names it: libx264, h264_nvenc, ..."""
    encoder_reason: str = ""
    """Why it is that encoder, in words for people."""
    rates: Rates = Rates()


class RenditionCounter:
    """Counts what one rendition does. Times are seconds of any monotonic clock."""

    def __init__(self, key: RenditionKey) -> None:
        self._stats = RenditionStats(key)
        self._meter = Meter()

    def stats(self, now: float, viewers: int) -> RenditionStats:
        return replace(self._stats, viewers=viewers, rates=self._meter.rates(now))

    def failed(self) -> None:
        """A frame was not made at the first try."""
        self._stats = replace(self._stats, failures=self._stats.failures + 1)

    def sent(
        self,
        frame: RtpFrame,
        *,
        changed_at: float,
        began: float,
        done: float,
        size: tuple[int, int],
        encoder: str,
        reason: str,
    ) -> None:
        """A frame was made of what changed at ``changed_at``, from ``began`` to ``done``."""
        self._meter.add(done, frame.size, encode_s=done - began, delay_s=done - changed_at)
        self._stats = replace(
            self._stats,
            frames=self._stats.frames + 1,
            keyframes=self._stats.keyframes + frame.keyframe,
            bytes=self._stats.bytes + frame.size,
            size=size,
            encoder=encoder,
            encoder_reason=reason,
        )
