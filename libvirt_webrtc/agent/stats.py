"""What a console's video does right now: the values of the portal's answer, and of a page's STATS."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RenditionView:
    """One encoder, which all viewers of its format and layer share. Its counters begin with its first viewer."""

    format: str
    """Codec with chroma: ``H264``, ``VP8``..."""
    layer: str
    encoder: str
    """As FFmpeg names it; empty before the first frame."""
    encoder_reason: str
    """Why it is that one, in words; may be empty."""
    width: int
    """Of the encoded picture, in pixels; 0 before the first."""
    height: int
    viewers: int
    frames: int
    keyframes: int
    bytes: int
    failures: int
    """Encoders that failed and were replaced."""
    fps: float
    """Of the last second, like :attr:`bits_per_second`."""
    bits_per_second: float
    encode_ms: float
    """To convert and encode a frame: the mean of the last second, or the last frame's where nothing moved."""
    delay_ms: float
    """From the guest's change, as it arrives, to the packets that show it: a mean as :attr:`encode_ms`."""


@dataclass(frozen=True, slots=True)
class ViewerView:
    """One viewer. Its counters begin with its connection."""

    format: str
    layer: str
    reason: str
    """Why it is on that layer, in words."""
    frames: int
    """Sent."""
    keyframes: int
    bytes: int
    """Of the frames that were sent, without headers."""
    dropped: int
    """Frames left out because the viewer, or its path, was too slow."""
    target_bits_per_second: int
    """What its path is estimated to carry."""
    fraction_lost: float
    """Of its packets, 0 to 1, as it last reported."""
    rtt_ms: float | None
    """None before its first report."""


@dataclass(frozen=True, slots=True)
class ConsoleStats:
    """All renditions and viewers of one console. The order of viewers means nothing."""

    renditions: tuple[RenditionView, ...]
    viewers: tuple[ViewerView, ...]

    def as_json(self) -> dict[str, Any]:
        """The form that docs/protocol.md describes."""
        return {"renditions": list(map(asdict, self.renditions)), "viewers": list(map(asdict, self.viewers))}
