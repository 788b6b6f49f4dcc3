"""One viewer's view of a console: a WebRTC track that yields the frames of the layer its path carries."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.frame import Frame

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import FULL, LAYERS, Layer, RenditionKey, VideoFormat
from libvirt_webrtc.media.layers import KeyframeAllowance, LayerChoice
from libvirt_webrtc.media.rtp.congestion import CongestionControl

MAX_WAIT_S = 0.6
"""A viewer whose next frame has waited this long gets nothing until the next keyframe;"""
MAX_WAIT_BEHIND_KEYFRAME_S = 2.0
"""behind a keyframe, this long: it is what the path is to carry now, and the frames after it are small."""
REPAIR_S = 0.2
"""And two round trips: so long after a keyframe a viewer that asks for one is given time to have that one repaired."""
REVIEW_S = 0.5
"""How often a viewer that is not served as it should be is looked at, when no frame is the occasion."""


class PacketSource(Protocol):
    """What a track needs of a rendition."""

    def request_keyframe(self) -> None: ...
    def detach(self, feed: "Feed") -> None: ...


class Feed:
    """One viewer's place in one rendition."""

    def __init__(self, key: RenditionKey, track: "ConsoleTrack") -> None:
        self.key = key
        self._track = track

    def push(self, frame: EncodedFrame) -> None:
        """Called by the rendition with each frame."""
        self._track.push(self, frame)

    def fail(self, error: MediaError) -> None:
        """Called by the rendition: there will be no more frames."""
        self._track.fail(self, error)


Attach = Callable[[Feed], PacketSource]
"""Finds or makes the rendition of a feed."""


@dataclass(frozen=True, slots=True)
class ViewerStats:
    """One viewer's video right now; counters since it came."""

    format: VideoFormat
    layer: str
    reason: str
    """Why this layer, in words for people."""
    target_bps: int
    """What its path is believed to carry."""
    loss: float
    """Share of packets lost on the way, 0 to 1, as last reported; most are repaired."""
    rtt_s: float | None
    frames: int
    """Handed to its sender."""
    keyframes: int
    bytes: int
    dropped: int
    """Frames that it was too slow for."""


class ConsoleTrack(MediaStreamTrack):
    """Yields a console's encoded pictures, a keyframe first.

    The frames are the same objects for every viewer of the rendition. Encoding starts with the first
    :meth:`next_frame`, which aiortc makes when the viewer is connected; the sender asks for the next one when it has
    room, and what waits here longer than :data:`MAX_WAIT_S` is dropped. :meth:`watch` says what is shown: another
    console, or nothing, and then nothing is encoded for this viewer. The layer follows :attr:`congestion`: the old
    rendition's frames are shown until the new one's keyframe comes. ``"ended"`` is emitted when the track ends, by
    :meth:`stop` or because the encoder failed; then :attr:`error` tells why.
    """

    kind = "video"

    def __init__(
        self, format_: VideoFormat, attach: Attach | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.error: MediaError | None = None
        self.congestion = CongestionControl()
        """What this viewer's path carries; its sender tells it what it hears."""
        self._format = format_
        self._attach = attach
        self._clock = clock
        self._choice = LayerChoice()
        self._allowance = KeyframeAllowance()
        self._sources: dict[Feed, PacketSource] = {}
        self._shown = self._feed(FULL)
        self._next: Feed | None = None
        self._queue: deque[tuple[float, EncodedFrame]] = deque()
        self._sending: EncodedFrame | None = None
        self._readable = asyncio.Event()
        self._synced = False
        self._keyframe_asked = False
        self._sends_keyframe = False
        self._keyframe_left_at = float("-inf")
        self._review_timer: asyncio.TimerHandle | None = None
        self._frames = self._keyframes = self._bytes = self._dropped = 0

    @property
    def layer(self) -> Layer:
        """What is shown."""
        return self._shown.key.layer

    @property
    def layer_reason(self) -> str:
        """Why, in short words for people."""
        return self._choice.reason

    def stats(self) -> ViewerStats:
        return ViewerStats(
            format=self._format,
            layer=self.layer.name,
            reason=self.layer_reason,
            target_bps=self.congestion.target_bps,
            loss=self.congestion.loss,
            rtt_s=self.congestion.rtt_s,
            frames=self._frames,
            keyframes=self._keyframes,
            bytes=self._bytes,
            dropped=self._dropped,
        )

    def watch(self, attach: Attach | None) -> None:
        """Yield these frames from now on, a keyframe first; None: nothing, until it is told something else."""
        if attach == self._attach:
            return
        self._attach = attach
        self._stop_review()
        self._leave_all()
        self._shown, self._next = self._feed(self._choice.layer), None
        self._queue.clear()
        self._sending = None
        self._synced = self._keyframe_asked = False
        self._readable.set()

    async def next_frame(self) -> EncodedFrame:
        """The next frame, when there is one.

        Raises:
            MediaStreamError: the track has ended.
        """
        if self._sends_keyframe:
            self._sends_keyframe = False
            self._keyframe_left_at = self._clock()
        while not self._queue:
            if self.readyState != "live":
                raise MediaStreamError("the track has ended")
            if not self._sources and self._attach is not None:
                self._begin(self._attach)
            if not self._synced:
                # Asked for when there is room for it, not when the last one got stuck.
                self._ask_keyframe()
            self._readable.clear()
            await self._readable.wait()
        _, frame = self._queue.popleft()
        self._sending = frame
        self._sends_keyframe = frame.keyframe
        self._frames += 1
        self._keyframes += frame.keyframe
        self._bytes += len(frame.data)
        return frame

    def is_wanted(self, frame: EncodedFrame) -> bool:
        """Whether the rest of what :meth:`next_frame` returned last is of use: not if another layer has come since."""
        return self._sending is frame

    async def recv(self) -> Frame:
        """Not for this track: our part of aiortc's sender asks for :meth:`next_frame`."""
        raise MediaStreamError("a console's frames come encoded")

    def request_keyframe(self) -> None:
        """The viewer lost a picture (PLI, FIR)."""
        on_its_way = self._sends_keyframe or any(frame.keyframe for _, frame in self._queue)
        repaired_at = self._keyframe_left_at + REPAIR_S + 2 * (self.congestion.rtt_s or 0.0)
        if not on_its_way and self._clock() >= repaired_at:
            self._ask_keyframe()

    def _ask_keyframe(self) -> None:
        if self._keyframe_asked or self._next is not None or self._shown not in self._sources:
            return
        now = self._clock()
        if self._allowance.take(now):
            self._keyframe_asked = True
            self._sources[self._shown].request_keyframe()
            return
        self._step_down(now)
        if self._next is None:
            # Nothing cheaper: no frame is of use to this viewer until it may have a keyframe again.
            self._drop()
            self._synced = False
        self._review_later()

    def stop(self) -> None:
        """End the track; twice is fine."""
        self._stop_review()
        self._leave_all()
        self._queue.clear()
        super().stop()
        self._readable.set()

    # Called by feeds

    def push(self, feed: Feed, frame: EncodedFrame) -> None:
        now = self._clock()
        if feed is self._next and frame.keyframe:
            self._leave(self._shown)
            self._shown, self._next = feed, None
            self._sending = None
            self._drop()
        elif feed is not self._shown:
            return
        if frame.keyframe:
            self._synced, self._keyframe_asked = True, False
        patience = MAX_WAIT_BEHIND_KEYFRAME_S if self._sends_keyframe else MAX_WAIT_S
        if self._queue and now - self._queue[0][0] > patience:
            # Everything after a lost frame is useless up to a keyframe.
            self._drop()
            self._synced = frame.keyframe
            self._step_down(now)
        if self._synced:
            self._queue.append((now, frame))
            self._readable.set()
        elif self._frames:
            # Not so while a new viewer waits for its first keyframe.
            self._dropped += 1
        self._review()

    def fail(self, feed: Feed, error: MediaError) -> None:
        self._sources.pop(feed, None)
        self.error = error
        self.stop()

    # Layers

    def _begin(self, attach: Attach) -> None:
        """With what the path is thought to carry by now."""
        self._shown = self._feed(self._choice.update(self._clock(), self.congestion.target_bps))
        self._join(self._shown, attach)

    def _step_down(self, now: float) -> None:
        """The layer does not reach the viewer, whatever its path was believed to carry."""
        if self.layer is not LAYERS[-1]:
            self.congestion.limit(now, self.layer.needs_bps)
        self._review()

    def _review(self) -> None:
        self._show(self._choice.update(self._clock(), self.congestion.target_bps))
        self.congestion.useful_bps = self._choice.next_needs_bps
        if self._choice.layer is not FULL:
            self._review_later()

    def _review_later(self) -> None:
        def review() -> None:
            self._review_timer = None
            self._review()
            if not self._synced:
                self._ask_keyframe()

        if self._review_timer is None and self.readyState == "live":
            self._review_timer = asyncio.get_running_loop().call_later(REVIEW_S, review)

    def _stop_review(self) -> None:
        if self._review_timer is not None:
            self._review_timer.cancel()
            self._review_timer = None

    def _show(self, layer: Layer) -> None:
        """Have this layer shown from its next keyframe on."""
        coming = self._next or self._shown
        if layer is coming.key.layer:
            return
        if self._next is not None:
            self._leave(self._next)
            self._next = None
        if layer is not self._shown.key.layer and self._attach is not None:
            self._next = self._feed(layer)
            self._join(self._next, self._attach)

    def _feed(self, layer: Layer) -> Feed:
        return Feed(RenditionKey(self._format, layer), self)

    def _join(self, feed: Feed, attach: Attach) -> None:
        self._sources[feed] = attach(feed)

    def _leave_all(self) -> None:
        for feed in tuple(self._sources):
            self._leave(feed)

    def _leave(self, feed: Feed) -> None:
        source = self._sources.pop(feed, None)
        if source is not None:
            source.detach(feed)

    def _drop(self) -> None:
        self._dropped += len(self._queue)
        self._queue.clear()
