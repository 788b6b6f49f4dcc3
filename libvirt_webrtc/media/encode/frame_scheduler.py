"""When to encode the next frame, and how fine: pure, without a clock or a loop."""

from dataclasses import dataclass
from enum import Enum

from libvirt_webrtc.media.encode.settling import Settling
from libvirt_webrtc.media.formats import MAX_FRAME_RATE

FRAME_INTERVAL_S = 1 / MAX_FRAME_RATE
"""The mean time, in seconds, between frames at the highest rate."""
BURST_S = FRAME_INTERVAL_S
"""How many seconds earlier than its turn a frame may be, if the one before it was not: a key that is pressed while
something else moves need not wait, and a guest that draws at the highest rate, but unevenly, loses no frame."""
COALESCE_S = 0.001
"""How many seconds a frame waits after the first change: QEMU sends one refresh of the screen as several updates."""

KEYFRAME_INTERVAL_S = 0.5
"""The shortest time, in seconds, between keyframes that are asked for: all requests within it get one keyframe, at its
end."""

SETTLE_DELAY_S = 0.1
"""How many seconds a picture must be unchanged before it is refined."""


class Quality(Enum):
    """How fine a frame is to be, within its layer's bit rate."""

    MOTION = "motion"
    """As fine as the encoder's rate control chooses: what moves need not be sharp."""
    BETTER = "better"
    """Between the two others, in a frame that is small enough to arrive soon."""
    FINE = "fine"
    """As fine as the format can be."""


@dataclass(frozen=True, slots=True)
class FramePlan:
    """The next frame, which is due at ``at`` (seconds of the scheduler's clock)."""

    at: float
    keyframe: bool = False
    quality: Quality = Quality.MOTION

    @property
    def settle(self) -> bool:
        """Whether nothing has changed, and the frame refines the last one."""
        return self.quality is not Quality.MOTION


class FrameScheduler:
    """Decides when the next frame of one rendition is due, and what kind it is.

    All times are seconds of any monotonic clock. A change is due at once, apart from coalescing and the highest frame
    rate. A keyframe that was asked for is due at once, or :data:`KEYFRAME_INTERVAL_S` after the last one. When nothing
    changes any more, the same picture is encoded again, finer, until little is left to refine. These frames also have
    a receiver show the last one that holds each frame until the next one begins (aiortc).

    Args:
        max_bitrate: what the encoder is held to, in bits per second. Refining ends when frames take less than half of
            their share of it.
        settling: how the picture is refined; may be replaced before a frame that holds a whole new picture.
    """

    def __init__(self, max_bitrate: int, settling: Settling) -> None:
        self.settling = settling
        self._small = max_bitrate / MAX_FRAME_RATE / 8 / 2
        self._changed_at: float | None = None
        self._keyframe_wanted = False
        self._last_frame = self._last_keyframe = self._next_turn = float("-inf")
        self._settle_left = 0
        self._settle_at = 0.0
        self._coarse_bytes = 0
        """Bytes sent since the picture was last fine: the more, the more there is to refine."""
        self._small_frames = 0

    def change(self, now: float) -> None:
        """The picture has changed since it was last encoded."""
        if self._changed_at is None:
            self._changed_at = now

    def request_keyframe(self) -> None:
        self._keyframe_wanted = True

    def next(self) -> FramePlan | None:
        """The next frame to encode; None while there is nothing to do."""
        earliest = self._next_turn - BURST_S
        keyframe_at = max(earliest, self._last_keyframe + KEYFRAME_INTERVAL_S)
        plans = []
        if self._keyframe_wanted:
            plans.append(FramePlan(keyframe_at, keyframe=True))
        if self._changed_at is not None:
            plans.append(FramePlan(max(earliest, self._changed_at + COALESCE_S)))
        elif self._settle_left:
            # A caret is refined in one step. A whole screen is refined in two, so that the first arrives soon.
            coarse = self._settle_left == self.settling.frames and self._coarse_bytes > self._small
            quality = Quality.BETTER if coarse else Quality.FINE
            plans.append(FramePlan(max(earliest, self._settle_at), quality=quality))
        # Of two that are due at the same time the keyframe is made: it shows the change as well.
        return min(plans, key=lambda plan: (plan.at, not plan.keyframe), default=None)

    def begin(self, plan: FramePlan, now: float) -> None:
        """The picture is read for ``plan`` now; a change from here on needs another frame."""
        self._last_frame = now
        self._next_turn = max(self._next_turn, now) + FRAME_INTERVAL_S
        if plan.settle:
            self._settle_left -= 1
            self._settle_at = now + self.settling.interval_s
        else:
            self._changed_at = None
            self._settle_left = self.settling.frames
            self._settle_at = now + SETTLE_DELAY_S

    def finish(self, plan: FramePlan, *, size: int, keyframe: bool) -> None:
        """``plan`` became a frame of ``size`` bytes; ``keyframe`` tells whether it is one, asked for or not."""
        if keyframe:
            self._keyframe_wanted = False
            self._last_keyframe = self._last_frame
        if not plan.settle:
            self._coarse_bytes += size
        elif plan.quality is Quality.FINE and size < self._small:
            self._small_frames += 1
            if self._small_frames >= (
                self.settling.small_in_a_row if self._coarse_bytes > self._small else 1
            ):
                self._settle_left = 0
        if size >= self._small:
            self._small_frames = 0
        if not self._settle_left:
            self._coarse_bytes = self._small_frames = 0
