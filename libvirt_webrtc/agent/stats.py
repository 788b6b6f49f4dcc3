"""What a console's video does right now: values, as the portal answers them and as a page is told them."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RenditionView:
    """One encoder, which all viewers of its format and layer share. Counters begin with its first viewer."""

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
    """Within the last second, like :attr:`bits_per_second`."""
    bits_per_second: float
    encode_ms: float
    """Converting and encoding a frame: the last second's mean, or the last frame's where nothing moved."""
    delay_ms: float
    """From the guest's change, as it arrives, to the packets that show it; likewise."""


@dataclass(frozen=True, slots=True)
class ViewerView:
    """One viewer. Counters begin with its connection."""

    format: str
    layer: str
    reason: str
    """Why it is on that layer, in words."""
    frames: int
    """Sent."""
    keyframes: int
    bytes: int
    """Of the frames sent, without headers."""
    dropped: int
    """Frames left out because the viewer, or its path, was too slow."""
    target_bits_per_second: int
    """What its path is believed to carry."""
    fraction_lost: float
    """Of its packets, 0 to 1, as it last reported."""
    rtt_ms: float | None
    """None before its first report."""


@dataclass(frozen=True, slots=True)
class ConsoleStats:
    """All of one console; the order of viewers means nothing."""

    renditions: tuple[RenditionView, ...]
    viewers: tuple[ViewerView, ...]

    def as_json(self) -> dict[str, Any]:
        """The form that docs/protocol.md describes."""
        return {"renditions": list(map(asdict, self.renditions)), "viewers": list(map(asdict, self.viewers))}
