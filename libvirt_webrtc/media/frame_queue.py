"""The frames that wait for one viewer's sender: pure, without a clock or a loop."""

from collections import deque
from dataclasses import dataclass

from libvirt_webrtc.media.rtp.frame import RtpFrame

MAX_WAIT_S = 0.6
"""The longest time, in seconds, that a viewer's next frame may wait. A viewer that is slower gets nothing until the
next keyframe, because a picture that is later than this is of no use to somebody who types."""
MAX_WAIT_BEHIND_KEYFRAME_S = 2.0
"""The same in seconds while a keyframe is being sent: a keyframe is large, the frames after it are small, and dropping
them would only bring another keyframe."""


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What a viewer's sender was given since the viewer came."""

    frames: int = 0
    keyframes: int = 0
    bytes: int = 0
    dropped: int = 0
    """Frames that the viewer was too slow for."""


class FrameQueue:
    """Hands frames to a sender in their order, and drops what the sender is too slow for.

    All times are seconds of any monotonic clock.
    """

    def __init__(self) -> None:
        self.synced = False
        """Whether the viewer can decode the next frame of its rendition: it has all since a keyframe."""
        self.keyframe_left_at = float("-inf")
        """When the last keyframe had been sent."""
        self._waiting: deque[tuple[float, RtpFrame]] = deque()
        self._sending: RtpFrame | None = None
        self._sends_keyframe = False
        self._frames = self._keyframes = self._bytes = self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def counts(self) -> QueueCounts:
        return QueueCounts(self._frames, self._keyframes, self._bytes, self._dropped)

    @property
    def keyframe_on_its_way(self) -> bool:
        """Whether a keyframe waits or is being sent."""
        return self._sends_keyframe or any(frame.keyframe for _, frame in self._waiting)

    def put(self, now: float, frame: RtpFrame) -> bool:
        """Let a frame wait for the sender, unless the viewer cannot decode it.

        Returns:
            False where the viewer was too slow, and what waited has been dropped.
        """
        if frame.keyframe:
            self.synced = True
        patience_s = MAX_WAIT_BEHIND_KEYFRAME_S if self._sends_keyframe else MAX_WAIT_S
        in_time = not self._waiting or now - self._waiting[0][0] <= patience_s
        if not in_time:
            # Everything after a lost frame is useless up to a keyframe.
            self.drop()
            self.synced = frame.keyframe
        if self.synced:
            self._waiting.append((now, frame))
        elif self._frames:
            # A new viewer that waits for its first keyframe is not too slow.
            self._dropped += 1
        return in_time

    def take(self) -> RtpFrame:
        """The frame that has waited longest; it is being sent until :meth:`sent`. Raises IndexError if none waits."""
        _, frame = self._waiting.popleft()
        self._sending = frame
        self._sends_keyframe = frame.keyframe
        self._frames += 1
        self._keyframes += frame.keyframe
        self._bytes += frame.size
        return frame

    def sent(self, now: float) -> None:
        """The sender has done with the frame that it took last."""
        if self._sends_keyframe:
            self._sends_keyframe = False
            self.keyframe_left_at = now

    def is_wanted(self, frame: RtpFrame) -> bool:
        """Whether the rest of ``frame``, which was taken last, is still of use to the viewer."""
        return self._sending is frame

    def replace(self) -> None:
        """A keyframe of another layer follows: drop what waits, and the rest of what is being sent."""
        self._sending = None
        self.drop()

    def drop(self) -> None:
        """Drop what waits, and count it."""
        self._dropped += len(self._waiting)
        self._waiting.clear()

    def clear(self) -> None:
        """Forget all frames: the viewer is shown something else, from a keyframe on."""
        self._waiting.clear()
        self._sending = None
        self.synced = False
