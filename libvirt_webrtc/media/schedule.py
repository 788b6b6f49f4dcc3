"""When to encode: pure decisions about frames, keyframes and settling, without a clock or a loop."""

from dataclasses import dataclass

from libvirt_webrtc.media.formats import MAX_FRAME_RATE

FRAME_INTERVAL_S = 1 / MAX_FRAME_RATE
COALESCE_S = 0.002
"""QEMU sends one refresh of the screen as several updates; the frame waits this long for the rest."""

KEYFRAME_INTERVAL_S = 0.5
"""Requests for keyframes inside this time are served by one keyframe at its end."""

SETTLE_DELAY_S = 0.1
"""How long a picture must be unchanged before it is refined."""
SETTLE_INTERVAL_S = 1 / 30
SETTLE_FRAMES = 8
"""Refining ends after this many frames,"""
SETTLED_PIXELS_PER_BYTE = 1_000
"""or after one with fewer bytes than this makes of its pixels: nothing is left to refine."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next frame: not before ``at`` (seconds, the schedule's clock)."""

    at: float
    keyframe: bool = False
    settle: bool = False


class Schedule:
    """Says when the next frame of one lane is due, and what kind it is.

    All times are seconds of any monotonic clock. A change is due at once, but for coalescing and the highest
    frame rate; a keyframe, once asked for, at once or :data:`KEYFRAME_INTERVAL_S` after the last one. When
    nothing changes any more the same picture is encoded a few times again: each time x264 spends bits on what
    was coarse, and a receiver that holds a frame until the next one begins (aiortc) lets go of the last.
    """

    def __init__(self) -> None:
        self._changed_at: float | None = None
        self._keyframe_wanted = False
        self._last_frame = self._last_keyframe = float("-inf")
        self._settle_left = 0
        self._settle_at = 0.0

    def change(self, now: float) -> None:
        """The picture is not the last encoded one any more."""
        if self._changed_at is None:
            self._changed_at = now

    def request_keyframe(self) -> None:
        self._keyframe_wanted = True

    def next(self) -> Plan | None:
        """The next frame; None while there is nothing to do."""
        earliest = self._last_frame + FRAME_INTERVAL_S
        keyframe_at = max(earliest, self._last_keyframe + KEYFRAME_INTERVAL_S)
        plans = []
        if self._keyframe_wanted:
            plans.append(Plan(keyframe_at, keyframe=True))
        if self._changed_at is not None:
            plans.append(Plan(max(earliest, self._changed_at + COALESCE_S)))
        elif self._settle_left:
            plans.append(Plan(max(earliest, self._settle_at), settle=True))
        # Of two due at the same time, the keyframe: it holds the change as well.
        return min(plans, key=lambda plan: (plan.at, not plan.keyframe), default=None)

    def begin(self, plan: Plan, now: float) -> None:
        """The picture is being read for ``plan``; a change from here on needs another frame."""
        self._last_frame = now
        if plan.settle:
            self._settle_left -= 1
            self._settle_at = now + SETTLE_INTERVAL_S
        else:
            self._changed_at = None
            self._settle_left = SETTLE_FRAMES
            self._settle_at = now + SETTLE_DELAY_S

    def finish(self, plan: Plan, *, size: int, pixels: int, keyframe: bool) -> None:
        """``plan`` became a packet of ``size`` bytes; ``keyframe`` tells if it is one, asked for or not."""
        if keyframe:
            self._keyframe_wanted = False
            self._last_keyframe = self._last_frame
        if plan.settle and size * SETTLED_PIXELS_PER_BYTE < pixels:
            self._settle_left = 0
