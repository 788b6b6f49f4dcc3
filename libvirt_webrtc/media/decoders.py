"""What one viewer's decoders take, and how a picture is sent so that they do: pure, without a clock.

A picture that is too large for the best format is sent in another one, and where no format takes it, with half or a
quarter of its width and height. libwebrtc drops every H.264 picture of more than 36,864 macroblocks without a word
(level 5.2; 4096x2304 is the last that Chromium shows), and asks for keyframes for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from libvirt_webrtc.media.convert.converter import encoded_size
from libvirt_webrtc.media.formats import Layer, RenditionKey, VideoFormat, macroblocks
from libvirt_webrtc.media.rtp.frame import Shape

SCALES = (1, 2, 4)
"""How many of the guest's pixels in a row may become one; the page knows the same."""

UNANSWERED_KEYFRAMES = 3
"""How many keyframes in a row must arrive whole, and be followed by a request for another, before a decoder is taken
not to decode them: one may have been late, as on a busy machine."""
ANSWER_S = 2.0
"""The time, in seconds, within which a request for a keyframe shows that the last one was not decoded.
libwebrtc repeats its request every 0.2 s until a picture is decoded; a later request has another reason."""


@dataclass(frozen=True, slots=True)
class Decoders:
    """The formats that a viewer takes, the best first, each with its largest picture in macroblocks."""

    limits: tuple[tuple[VideoFormat, int], ...]

    @classmethod
    def of(cls, formats: Iterable[VideoFormat]) -> "Decoders":
        """As far as is known before anything was sent."""
        return cls(tuple((format_, format_.max_macroblocks) for format_ in formats))

    def key(self, layer: Layer, width: int, height: int) -> RenditionKey:
        """What this viewer is to watch of a console this large: as large as possible, in the best format for that."""
        least = layer.scale
        for scale in (scale for scale in SCALES if scale >= least):
            size = macroblocks(*encoded_size(width, height, scale))
            for format_, limit in self.limits:
                if size <= limit:
                    # Viewers share a rendition where it would be reduced as much without being told.
                    reduced = scale > scale_for(format_, width, height, least)
                    return RenditionKey(format_, layer, scale if reduced else 1)
        format_, _ = max(self.limits, key=lambda each: each[1])
        return RenditionKey(format_, layer, SCALES[-1])

    def without(self, format_: VideoFormat, size: tuple[int, int]) -> "Decoders":
        """The same, but pictures of this encoded size or more are not sent in ``format_`` any more."""
        most = macroblocks(*size) - 1
        return Decoders(tuple((f, min(limit, most) if f is format_ else limit) for f, limit in self.limits))


def scale_for(format_: VideoFormat, width: int, height: int, least: int) -> int:
    """By how much a picture must be reduced, ``least`` or more, for the format's decoders to take it."""
    for scale in SCALES:
        if scale >= least and macroblocks(*encoded_size(width, height, scale)) <= format_.max_macroblocks:
            return scale
    return SCALES[-1]


def shape_of(key: RenditionKey, width: int, height: int, *, downsample: bool = False) -> Shape:
    """How a rendition encodes a picture of this size; ``downsample``: by half at least."""
    wanted = max(key.layer.scale, 2 if downsample else 1)
    scale = scale_for(key.format, width, height, max(wanted, key.scale))
    return Shape((width, height), encoded_size(width, height, scale), scale, scale // wanted)


class KeyframeAnswers:
    """Finds out that a viewer decodes nothing of what reaches it. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._unanswered = 0
        self._judged: float | None = None

    def asked(self, now: float, left_at: float, decodable_at: float) -> None:
        """The viewer asks for a keyframe, though it should have decoded the one that left at ``left_at``.

        The first request after a keyframe counts: it is repeated until the next one has come.

        Args:
            now: the time of the request.
            left_at: when the last keyframe had left; names it.
            decodable_at: when it should have been decoded.
        """
        if left_at == self._judged:
            return
        self._judged = left_at
        self._unanswered = self._unanswered + 1 if now - decodable_at < ANSWER_S else 0

    def reported(self, *, whole: bool) -> bool:
        """Whether keyframes are not decoded. ``whole``: the viewer has reported that all of the last one arrived."""
        if not whole:
            # The path is to blame, or may be.
            self._unanswered = 0
        return self._unanswered >= UNANSWERED_KEYFRAMES
