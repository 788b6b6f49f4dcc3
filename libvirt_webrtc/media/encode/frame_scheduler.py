"""When to encode: pure decisions about frames, keyframes and settling, without a clock or a loop."""

from dataclasses import dataclass
from enum import Enum

from libvirt_webrtc.media.formats import MAX_FRAME_RATE

FRAME_INTERVAL_S = 1 / MAX_FRAME_RATE
BURST_S = FRAME_INTERVAL_S
"""A frame may be this much early, where the one before it was not: a key that is pressed while something else moves
need not wait for the next turn, and a guest that draws at the highest rate, unevenly as guests do, loses no frame."""
COALESCE_S = 0.001
"""QEMU sends one refresh of the screen as several updates; the frame waits this long for the rest."""

KEYFRAME_INTERVAL_S = 0.5
"""Requests for keyframes inside this time are served by one keyframe at its end."""

SETTLE_DELAY_S = 0.1
"""How long a picture must be unchanged before it is refined."""
SETTLE_INTERVAL_S = 1 / 30
SMALL_IN_A_ROW = 3
"""After a large change, so many frames with little in them: one alone may have been short of bits."""


class Quality(Enum):
    """How fine a frame is to be, whatever it takes of its layer's bit rate."""

    MOTION = "motion"
    """As the encoder sees fit: what moves need not be sharp."""
    BETTER = "better"
    """A step on the way, small enough to arrive soon."""
    FINE = "fine"
    """As good as the format can be."""


@dataclass(frozen=True, slots=True)
class FramePlan:
    """The next frame: not before ``at`` (seconds, the schedule's clock)."""

    at: float
    keyframe: bool = False
    quality: Quality = Quality.MOTION

    @property
    def settle(self) -> bool:
        """Nothing changed: the frame refines the last one."""
        return self.quality is not Quality.MOTION


class FrameScheduler:
    """Says when the next frame of one rendition is due, and what kind it is.

    All times are seconds of any monotonic clock. A change is due at once, but for coalescing and the highest
    frame rate; a keyframe, once asked for, at once or :data:`KEYFRAME_INTERVAL_S` after the last one. When
    nothing changes any more the same picture is encoded again, finer, until that makes no difference. That also
    frees the last frame from a receiver that holds it until the next one begins (aiortc).

    Args:
        max_bitrate: what the encoder is held to. Finer frames of less than half of their share are all that was
            left to refine.
        settle_frames: refining ends after this many, if not before.
    """

    def __init__(self, max_bitrate: int, settle_frames: int) -> None:
        self._small = max_bitrate / MAX_FRAME_RATE / 8 / 2
        self._settle_frames = settle_frames
        self._changed_at: float | None = None
        self._keyframe_wanted = False
        self._last_frame = self._last_keyframe = self._next_turn = float("-inf")
        self._settle_left = 0
        self._settle_at = 0.0
        self._coarse_bytes = 0
        """Sent since the picture was last fine: how much there is to refine."""
        self._small_frames = 0

    def change(self, now: float) -> None:
        """The picture is not the last encoded one any more."""
        if self._changed_at is None:
            self._changed_at = now

    def request_keyframe(self) -> None:
        self._keyframe_wanted = True

    def next(self) -> FramePlan | None:
        """The next frame; None while there is nothing to do."""
        earliest = self._next_turn - BURST_S
        keyframe_at = max(earliest, self._last_keyframe + KEYFRAME_INTERVAL_S)
        plans = []
        if self._keyframe_wanted:
            plans.append(FramePlan(keyframe_at, keyframe=True))
        if self._changed_at is not None:
            plans.append(FramePlan(max(earliest, self._changed_at + COALESCE_S)))
        elif self._settle_left:
            # A caret is fine in one step. A whole screen comes in two, of which the first arrives soon.
            coarse = self._settle_left == self._settle_frames and self._coarse_bytes > self._small
            quality = Quality.BETTER if coarse else Quality.FINE
            plans.append(FramePlan(max(earliest, self._settle_at), quality=quality))
        # Of two due at the same time, the keyframe: it holds the change as well.
        return min(plans, key=lambda plan: (plan.at, not plan.keyframe), default=None)

    def begin(self, plan: FramePlan, now: float) -> None:
        """The picture is being read for ``plan``; a change from here on needs another frame."""
        self._last_frame = now
        self._next_turn = max(self._next_turn, now) + FRAME_INTERVAL_S
        if plan.settle:
            self._settle_left -= 1
            self._settle_at = now + SETTLE_INTERVAL_S
        else:
            self._changed_at = None
            self._settle_left = self._settle_frames
            self._settle_at = now + SETTLE_DELAY_S

    def finish(self, plan: FramePlan, *, size: int, keyframe: bool) -> None:
        """``plan`` became a packet of ``size`` bytes; ``keyframe`` tells if it is one, asked for or not."""
        if keyframe:
            self._keyframe_wanted = False
            self._last_keyframe = self._last_frame
        if not plan.settle:
            self._coarse_bytes += size
        elif plan.quality is Quality.FINE and size < self._small:
            self._small_frames += 1
            if self._small_frames >= (SMALL_IN_A_ROW if self._coarse_bytes > self._small else 1):
                self._settle_left = 0
        if size >= self._small:
            self._small_frames = 0
        if not self._settle_left:
            self._coarse_bytes = self._small_frames = 0
