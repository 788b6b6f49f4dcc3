"""One viewer's view of a lane: a WebRTC track that yields the lane's frames."""

import asyncio
from collections import deque
from typing import Protocol

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.frame import Frame

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.congestion import CongestionControl
from libvirt_webrtc.media.formats import LaneKey
from libvirt_webrtc.media.frame import EncodedFrame

QUEUE_FRAMES = 30
"""A viewer that is further behind (half a second at full rate) gets nothing until the next keyframe."""


class PacketSource(Protocol):
    """What a track needs of a lane."""

    def request_keyframe(self) -> None: ...
    def detach(self, track: "ConsoleTrack") -> None: ...


class Attach(Protocol):
    """Finds or makes the lane of a track."""

    def __call__(self, track: "ConsoleTrack") -> PacketSource: ...


class ConsoleTrack(MediaStreamTrack):
    """Yields a console's encoded pictures, a keyframe first.

    The frames are the same objects for every viewer of the lane. Encoding starts with
    the first :meth:`next_frame`, which aiortc makes when the viewer is connected. ``"ended"`` is emitted when the
    track ends, by :meth:`stop` or because the encoder failed; then :attr:`error` tells why.
    """

    kind = "video"

    def __init__(self, key: LaneKey, attach: Attach) -> None:
        super().__init__()
        self.key = key
        self.error: MediaError | None = None
        self.dropped = 0
        """Frames that this viewer was too slow for."""
        self.congestion = CongestionControl()
        """What this viewer's path carries; its sender tells it what it hears."""
        self._attach = attach
        self._source: PacketSource | None = None
        self._queue: deque[EncodedFrame] = deque()
        self._synced = False
        self._readable = asyncio.Event()

    async def next_frame(self) -> EncodedFrame:
        """The next frame, when there is one.

        Raises:
            MediaStreamError: the track has ended.
        """
        if self.readyState == "live" and self._source is None:
            self._source = self._attach(self)
        while not self._queue:
            if self.readyState != "live":
                raise MediaStreamError("the track has ended")
            self._readable.clear()
            await self._readable.wait()
        return self._queue.popleft()

    async def recv(self) -> Frame:
        """Not for this track: our part of aiortc's sender asks for :meth:`next_frame`."""
        raise MediaStreamError("a console's frames come encoded")

    def request_keyframe(self) -> None:
        """The viewer lost a picture (PLI, FIR)."""
        if self._source is not None:
            self._source.request_keyframe()

    def push(self, frame: EncodedFrame) -> None:
        """Called by the lane with each frame."""
        if len(self._queue) >= QUEUE_FRAMES:
            # Everything after a lost frame is useless up to a keyframe, so make room for that.
            self.dropped += len(self._queue)
            self._queue.clear()
            self._synced = False
            if not frame.keyframe:
                self.request_keyframe()
        if frame.keyframe:
            self._synced = True
        if self._synced:
            self._queue.append(frame)
            self._readable.set()
        elif self.dropped:
            # Not so while a new viewer waits for its first keyframe.
            self.dropped += 1

    def fail(self, error: MediaError) -> None:
        """Called by the lane: there will be no more frames."""
        self.error = error
        self.stop()

    def stop(self) -> None:
        """End the track; twice is fine."""
        source, self._source = self._source, None
        if source is not None:
            source.detach(self)
        self._queue.clear()
        super().stop()
        self._readable.set()
