"""One console's picture in one format and layer: encoded once, sent to every viewer of the two."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from libvirt_webrtc.errors import MediaError, PictureLost
from libvirt_webrtc.media.decoders import shape_of
from libvirt_webrtc.media.encode.encoders import Encoders
from libvirt_webrtc.media.encode.frame_scheduler import FramePlan, FrameScheduler, Quality
from libvirt_webrtc.media.encode.settling import settling
from libvirt_webrtc.media.formats import CLOCK_RATE, RenditionKey
from libvirt_webrtc.media.pipeline import Pipeline
from libvirt_webrtc.media.rendition_stats import RenditionCounter, RenditionStats
from libvirt_webrtc.media.rtp.frame import UNKNOWN_SHAPE, RtpFrame
from libvirt_webrtc.media.subscription import OnEnd, OnFrame, Subscription
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Pixels, Rect
from libvirt_webrtc.picture.surface import Surface

logger = logging.getLogger(__name__)


class Rendition:
    """Runs from its first subscription to its last, in one task and one worker thread.

    Each rendition has its own place in the framebuffer's changes and its own converted picture. So a slow codec never
    holds up another, and the thread that encodes is the thread that converts (see :class:`FrameConverter`).

    Args:
        downsample: send half the width and height, in every layer.
        ended: called once, when the task has ended; then the subscriptions are told why.
    """

    def __init__(
        self,
        key: RenditionKey,
        framebuffer: Framebuffer,
        *,
        downsample: bool,
        encoders: Encoders,
        ended: Callable[["Rendition"], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.key = key
        self._framebuffer = framebuffer
        self._downsample = downsample
        self._encoders = encoders
        self._ended = ended
        self._clock = clock
        self._counter = RenditionCounter(key)
        self._subscriptions: set[Subscription] = set()
        self._scheduler = FrameScheduler(key.layer.max_bitrate, settling(key.format, key.layer, 0, 0))
        self._wake = asyncio.Event()
        self._changed_at: float | None = None
        self._damage = framebuffer.subscribe(self._damaged)
        self._shape = UNKNOWN_SHAPE
        self._pipeline: Pipeline | None = None
        self._lost = False
        """The picture could not be read: there is nothing to encode until it changes."""
        self._timestamp = 0
        self._closing = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"encode-{key.format}")
        self.task = asyncio.create_task(self._run(), name=f"rendition-{key.format}-{key.layer.name}")

    @property
    def stats(self) -> RenditionStats:
        return self._counter.stats(self._clock(), len(self._subscriptions))

    @property
    def closing(self) -> bool:
        """Whether the rendition ends, and takes no new subscriptions."""
        return self._closing

    def subscribe(self, on_frame: OnFrame, on_end: OnEnd) -> Subscription:
        """A new viewer's place; its first frame is a keyframe, which all others are sent as well."""
        subscription = Subscription(
            self.key, on_frame, on_end, request_keyframe=self._request_keyframe, leave=self._leave
        )
        self._subscriptions.add(subscription)
        self._request_keyframe()
        return subscription

    def close(self) -> None:
        """End soon: :attr:`task` is done when the thread has finished its last frame. Idempotent."""
        self._closing = True
        self._wake.set()

    def _leave(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        if not self._subscriptions:
            self.close()

    def _request_keyframe(self) -> None:
        self._scheduler.request_keyframe()
        self._wake.set()

    def _damaged(self) -> None:
        """Called by the damage cursor."""
        self._changed_at = self._clock()
        self._wake.set()

    async def _run(self) -> None:
        error = MediaError("the console's video was closed")
        try:
            while not self._closing:
                await self._step()
        except MediaError as failure:
            error = failure
            logger.error("video ends: %s", failure)
        except Exception as bug:
            # Viewers must never be left waiting for a picture that nobody makes.
            logger.exception("video ends")
            error = MediaError(f"video ended unexpectedly: {bug!r}")
        finally:
            self._closing = True
            # The thread is idle by now, unless this task was cancelled: then it ends with its last frame.
            self._executor.shutdown(wait=False)
            self._pipeline = None
            self._damage.close()
            self._ended(self)
            for subscription in tuple(self._subscriptions):
                subscription.end(error)

    async def _step(self) -> None:
        """Encode one frame, or wait until there is a reason to."""
        now = self._clock()
        size = self._framebuffer.width, self._framebuffer.height
        resized = size != self._shape.guest
        if resized:
            # A new mode, or the first picture: all of it is new, and the next frame is a keyframe. New memory of the
            # same size, which a guest that flips pages maps all the time, is damage like any other.
            self._pipeline = None
            self._shape = shape_of(self.key, *size, downsample=self._downsample)
            self._scheduler.settling = settling(self.key.format, self.key.layer, *self._shape.encoded)
        if resized or self._damage.pending:
            self._scheduler.change(now)
            self._lost = False
        plan = self._scheduler.next() if self._shape is not UNKNOWN_SHAPE and not self._lost else None
        if plan is not None and plan.at <= now:
            await self._encode(plan, now)
            return
        self._wake.clear()
        try:
            async with asyncio.timeout(None if plan is None else plan.at - now):
                await self._wake.wait()
        except TimeoutError:
            pass  # the planned frame is due

    async def _encode(self, plan: FramePlan, now: float) -> None:
        picture, damage = self._framebuffer.picture, self._damage.take()
        changed_at, self._changed_at = self._changed_at, None
        self._scheduler.begin(plan, now)
        self._timestamp = max(self._timestamp + 1, int(now * CLOCK_RATE))
        try:
            frame = await self._in_thread(picture, damage, plan.keyframe, plan.quality)
        except PictureLost as error:
            # The encoder is well. Viewers keep what they have until there is something new to read.
            logger.debug("a frame is left out: %s", error)
            self._counter.failed()
            self._pipeline = None
            self._lost = True
            return
        except MediaError as error:
            self._encoders.failed(self.key.format, error)
            self._counter.failed()
            self._pipeline = None
            frame = await self._in_thread(picture, (), True, Quality.MOTION)
        assert self._pipeline is not None
        self._counter.sent(
            frame,
            changed_at=now if changed_at is None else changed_at,
            began=now,
            done=self._clock(),
            size=self._pipeline.shape.encoded,
            encoder=self._pipeline.encoder,
            reason=self._encoders.reason(self.key.format),
        )
        self._scheduler.finish(plan, size=frame.size, keyframe=frame.keyframe)
        for subscription in tuple(self._subscriptions):
            subscription.push(frame)

    async def _in_thread(
        self, picture: Pixels | Surface, damage: Iterable[Rect], keyframe: bool, quality: Quality
    ) -> RtpFrame:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._produce, picture, damage, keyframe, quality)

    def _produce(
        self, picture: Pixels | Surface, damage: Iterable[Rect], keyframe: bool, quality: Quality
    ) -> RtpFrame:
        """In the worker thread."""
        if self._pipeline is None:
            hardware = self._encoders.hardware(self.key.format)
            self._pipeline = Pipeline(self.key, self._shape, hardware=hardware)
            damage, keyframe = (Rect(0, 0, *self._shape.guest),), True
        return self._pipeline.produce(picture, damage, self._timestamp, keyframe=keyframe, quality=quality)
