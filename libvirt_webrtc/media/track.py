"""One viewer's view of a console: a WebRTC track that yields the frames of the layer its path carries."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.frame import Frame

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.decoders import Decoders, KeyframeAnswers, shape_of
from libvirt_webrtc.media.formats import FULL, LAYERS, Layer, RenditionKey, VideoFormat, macroblocks
from libvirt_webrtc.media.frame_queue import FrameQueue
from libvirt_webrtc.media.layer_switch import LayerSwitch
from libvirt_webrtc.media.layers import KeyframeAllowance, LayerChoice
from libvirt_webrtc.media.rtp.congestion import CongestionControl
from libvirt_webrtc.media.rtp.frame import UNKNOWN_SHAPE, RtpFrame
from libvirt_webrtc.media.subscription import Subscribe

REPAIR_S = 0.2
"""How many seconds, beside two round trips, a keyframe is given to be repaired by packets sent again, before a request
for another keyframe is heard."""
DECODING_S, _QUICKLY_DECODED = 12e-6, 8_704
"""Seconds that a keyframe takes to decode for each macroblock beyond those of a 1080p picture, on a slow machine."""
REVIEW_S = 0.5
"""How often, in seconds, the layer of a viewer below full quality is looked at when no frame is the occasion: a still
picture makes no frames, and must become better all the same."""


@dataclass(frozen=True, slots=True)
class ViewerStats:
    """One viewer's video right now; counters since it came."""

    format: VideoFormat
    layer: str
    reason: str
    """Why this layer, in words for people."""
    target_bps: int
    """What the viewer's path is believed to carry, in bits per second."""
    loss: float
    """Share of packets lost on the way, 0 to 1, as last reported; most are repaired."""
    rtt_s: float | None
    frames: int
    """Frames handed to the viewer's sender."""
    keyframes: int
    bytes: int
    dropped: int
    """Frames that the viewer was too slow for."""


class ConsoleTrack(MediaStreamTrack):
    """Yields a console's encoded pictures, a keyframe first.

    The frames are the same objects for every viewer of the rendition. Encoding starts with the first
    :meth:`next_frame`, which aiortc's sender makes when the viewer is connected. The sender asks for the next frame
    when it has room, and what waits here too long is dropped (:class:`FrameQueue`). :meth:`watch` says what is shown:
    another console, or nothing, and then nothing is encoded for this viewer. The layer follows :attr:`congestion`: the
    old rendition's frames are shown until the new one's keyframe comes. ``"ended"`` is emitted when the track ends, by
    :meth:`stop` or because the encoder failed; then :attr:`error` tells why. ``"reduced"`` is emitted when
    :attr:`reduced` has changed.
    """

    kind = "video"

    def __init__(
        self,
        formats: Sequence[VideoFormat],
        subscribe: Subscribe | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.error: MediaError | None = None
        self.reduced = 1
        """How many of the guest's pixels in a row become one because this viewer's decoders take no more."""
        self.congestion = CongestionControl()
        """What this viewer's path carries; its sender tells it what it hears."""
        self._decoders = Decoders.of(formats)
        self._answers = KeyframeAnswers()
        self._shape = UNKNOWN_SHAPE
        self._subscribe = subscribe
        self._clock = clock
        self._choice = LayerChoice()
        self._allowance = KeyframeAllowance()
        self._wanted = self._key()
        self._reasons: object = None
        """What :attr:`_wanted` was found from."""
        self._switch = LayerSwitch(self._wanted, self._receive, self._fail)
        self._queue = FrameQueue()
        self._readable = asyncio.Event()
        self._keyframe_asked = False
        self._review_timer: asyncio.TimerHandle | None = None

    @property
    def layer(self) -> Layer:
        """The layer that is shown."""
        return self._switch.key.layer

    @property
    def key(self) -> RenditionKey:
        """The rendition that is shown."""
        return self._switch.key

    @property
    def layer_reason(self) -> str:
        """Why it is that layer, and why it is reduced where it is, in short words for people."""
        if self.reduced == 1:
            return self._choice.reason
        part = "half" if self.reduced == 2 else "a quarter"
        return f"{self._choice.reason}; {part} of the width and height, because the browser decodes no more"

    def stats(self) -> ViewerStats:
        counts = self._queue.counts
        return ViewerStats(
            format=self._switch.key.format,
            layer=self.layer.name,
            reason=self.layer_reason,
            target_bps=self.congestion.target_bps,
            loss=self.congestion.loss,
            rtt_s=self.congestion.rtt_s,
            frames=counts.frames,
            keyframes=counts.keyframes,
            bytes=counts.bytes,
            dropped=counts.dropped,
        )

    def watch(self, subscribe: Subscribe | None) -> None:
        """Yield a console's frames from now on, a keyframe first; with None, nothing until the next call.

        Args:
            subscribe: the console's :meth:`ConsoleVideo.subscribe`; the one that is shown already changes nothing.
        """
        if subscribe == self._subscribe:
            return
        self._subscribe = subscribe
        self._stop_review()
        self._switch.stop()
        self._shape = UNKNOWN_SHAPE
        self._switch.key = self._key()
        self._queue.clear()
        self._keyframe_asked = False
        self._readable.set()

    async def next_frame(self) -> RtpFrame:
        """Wait for the next frame, however long the picture does not change; may be cancelled.

        Raises:
            MediaStreamError: the track has ended.
        """
        self._queue.sent(self._clock())
        while not self._queue:
            if self.readyState != "live":
                raise MediaStreamError("the track has ended")
            if not self._switch.subscribed and self._subscribe is not None:
                self._choice.update(self._clock(), self.congestion.target_bps)
                self._switch.start(self._subscribe, self._key())
            if not self._queue.synced:
                # A keyframe is asked for when there is room for it, not when the last one got stuck.
                self._ask_keyframe()
            self._readable.clear()
            await self._readable.wait()
        return self._queue.take()

    def is_wanted(self, frame: RtpFrame) -> bool:
        """Whether the rest of what :meth:`next_frame` returned last is of use: not if another layer has come since."""
        return self._queue.is_wanted(frame)

    async def recv(self) -> Frame:
        """Refuse: our part of aiortc's sender asks for :meth:`next_frame` instead. Raises MediaStreamError."""
        raise MediaStreamError("a console's frames come encoded")

    def request_keyframe(self) -> None:
        """The viewer lost a picture (PLI, FIR)."""
        now, left_at = self._clock(), self._queue.keyframe_left_at
        decoding_s = DECODING_S * max(macroblocks(*self._shape.encoded) - _QUICKLY_DECODED, 0)
        answered_at = left_at + REPAIR_S + 2 * (self.congestion.rtt_s or 0.0) + decoding_s
        if not self._queue.keyframe_on_its_way and now >= answered_at and not self._switch.changing:
            self._answers.asked(now, left_at, answered_at)
            self._ask_keyframe()

    @property
    def watched(self) -> bool:
        """Whether anything is shown."""
        return self._subscribe is not None

    def undecoded(self) -> None:
        """The viewer has received a picture whole, and could not decode it."""
        self.request_keyframe()
        self.keyframe_reported(whole=True)

    def keyframe_reported(self, *, whole: bool) -> None:
        """The viewer has reported how the last keyframe arrived: all of it, or that something was lost since."""
        if self._answers.reported(whole=whole) and not self._switch.changing:
            self._decoders = self._decoders.without(self.key.format, self._shape.encoded)
            self._answers, self._allowance = KeyframeAnswers(), KeyframeAllowance()
            self._review()

    def stop(self) -> None:
        """End the track. Idempotent."""
        self._stop_review()
        self._switch.stop()
        self._queue.clear()
        super().stop()
        self._readable.set()

    def _ask_keyframe(self) -> None:
        if self._keyframe_asked or self._switch.changing or not self._switch.subscribed:
            return
        now = self._clock()
        if self._allowance.take(now):
            self._keyframe_asked = True
            self._switch.request_keyframe()
            return
        self._step_down(now)
        if not self._switch.changing:
            # Nothing cheaper: no frame is of use to this viewer until it may have a keyframe again.
            self._queue.drop()
            self._queue.synced = False
        self._review_later()

    def _receive(self, frame: RtpFrame, another_rendition: bool) -> None:
        now = self._clock()
        if another_rendition:
            self._queue.replace()
        if frame.shape is not self._shape:
            self._shape = frame.shape
        if frame.keyframe:
            self._keyframe_asked = False
        if not self._queue.put(now, frame):
            self._step_down(now)
        if self._queue:
            self._readable.set()
        self._review()

    def _fail(self, error: MediaError) -> None:
        self.error = error
        self.stop()

    def _step_down(self, now: float) -> None:
        """The layer does not reach the viewer, whatever its path was believed to carry."""
        if self.layer is not LAYERS[-1]:
            self.congestion.limit(now, self.layer.needs_bps)
        self._review()

    def _review(self) -> None:
        self._choice.update(self._clock(), self.congestion.target_bps)
        reasons = self._choice.layer, self._shape, self._decoders
        if reasons != self._reasons:  # For each frame: tuples of the same objects are compared in no time.
            self._reasons, self._wanted = reasons, self._key()
            # Not of what is still shown: until the first frame tells the guest's size, that may be a passing format.
            reduced, self.reduced = self.reduced, shape_of(self._wanted, *self._shape.guest).reduced
            if reduced != self.reduced:
                self.emit("reduced")
        self._switch.show(self._wanted)
        self.congestion.useful_bps = self._choice.next_needs_bps
        if self._choice.layer is not FULL:
            self._review_later()

    def _key(self) -> RenditionKey:
        """What this viewer is to be shown."""
        return self._decoders.key(self._choice.layer, *self._shape.guest)

    def _review_later(self) -> None:
        def review() -> None:
            self._review_timer = None
            self._review()
            if not self._queue.synced:
                self._ask_keyframe()

        if self._review_timer is None and self.readyState == "live":
            self._review_timer = asyncio.get_running_loop().call_later(REVIEW_S, review)

    def _stop_review(self) -> None:
        if self._review_timer is not None:
            self._review_timer.cancel()
            self._review_timer = None
