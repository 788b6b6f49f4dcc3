"""One console's picture in one format and layer: encoded once, sent to every viewer of the two."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from libvirt_webrtc.errors import MediaError, PictureLost
from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.encoders import Encoders
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.encode.frame_scheduler import FrameScheduler, Plan, Quality
from libvirt_webrtc.media.formats import CLOCK_RATE, RenditionKey
from libvirt_webrtc.media.meter import Meter, Rates
from libvirt_webrtc.media.track import Feed
from libvirt_webrtc.picture.framebuffer import MAX_DAMAGE_RECTS, Framebuffer
from libvirt_webrtc.picture.pixels import Pixels, Rect
from libvirt_webrtc.picture.surface import Surface

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
Picture = Pixels | Surface

_NO_PICTURE = (0, 0)


@dataclass(frozen=True, slots=True)
class RenditionStats:
    """What one rendition has done since its first viewer came."""

    key: RenditionKey
    viewers: int = 0
    frames: int = 0
    keyframes: int = 0
    bytes: int = 0
    failures: int = 0
    size: tuple[int, int] = field(default=(0, 0))
    """Encoded width and height."""
    encoder: str = ""
    """As FFmpeg names it: libx264, h264_nvenc, ..."""
    encoder_reason: str = ""
    """Why it is that one, in words."""
    rates: Rates = Rates()


class Pipeline:
    """Converter and encoder for one size of the framebuffer; used by one worker thread at a time."""

    def __init__(
        self, key: RenditionKey, width: int, height: int, *, downsample: bool, hardware: str | None
    ) -> None:
        self._converter = FrameConverter(
            width,
            height,
            full_chroma=key.format.full_chroma,
            downsample=downsample or key.layer.half_size,
        )
        frame = self._converter.frame
        self.size = frame.width, frame.height
        self._encoder = VideoEncoder(key.format, frame, layer=key.layer, hardware_name=hardware)
        self.encoder = self._encoder.name

    def produce(
        self, picture: Picture, damage: Iterable[Rect], timestamp: int, *, keyframe: bool, quality: Quality
    ) -> EncodedFrame:
        changed = self._converter.convert(picture, damage)
        return self._encoder.encode(timestamp, changed=changed, quality=quality, keyframe=keyframe)


class Rendition:
    """Runs from its first viewer to its last, in one task and one worker thread.

    Each rendition keeps its own damage and its own converted picture: a slow codec never holds up another, and the
    thread that encodes is the thread that converts (see :class:`FrameConverter`).

    Args:
        collect: hands the framebuffer's damage to all renditions; called just before a picture is read.
        ended: called once when the task has ended; its tracks then end, and tell why.
    """

    def __init__(
        self,
        key: RenditionKey,
        framebuffer: Framebuffer,
        *,
        downsample: bool,
        encoders: Encoders,
        collect: Callable[[], None],
        ended: Callable[["Rendition"], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._key = key
        self._stats = RenditionStats(key)
        self._meter = Meter()
        self._changed_at: float | None = None
        self._framebuffer = framebuffer
        self._downsample = downsample
        self._encoders = encoders
        self._collect = collect
        self._ended = ended
        self._clock = clock
        self._feeds: set[Feed] = set()
        self._scheduler = FrameScheduler(key.layer.max_bitrate, key.format.settle_frames)
        self._damage: list[Rect] = []
        self._size = _NO_PICTURE
        self._pipeline: Pipeline | None = None
        self._lost = False
        self._timestamp = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"encode-{key.format}")
        self.task = asyncio.create_task(self._run(), name=f"rendition-{key.format}-{key.layer.name}")

    @property
    def stats(self) -> RenditionStats:
        return replace(self._stats, rates=self._meter.rates(self._clock()))

    # Called by tracks

    def attach(self, feed: Feed) -> None:
        self._feeds.add(feed)
        self._stats = replace(self._stats, viewers=len(self._feeds))
        self.request_keyframe()

    def detach(self, feed: Feed) -> None:
        self._feeds.discard(feed)
        self._stats = replace(self._stats, viewers=len(self._feeds))
        if not self._feeds:
            self.close()

    def request_keyframe(self) -> None:
        self._scheduler.request_keyframe()
        self._wake.set()

    # Called by the console

    @property
    def closing(self) -> bool:
        """The last viewer has gone: the rendition takes no new ones."""
        return self._closing

    def wake(self) -> None:
        """The framebuffer has changed."""
        if self._changed_at is None:
            self._changed_at = self._clock()
        self._wake.set()

    def add_damage(self, damage: tuple[Rect, ...]) -> None:
        self._damage.extend(damage)
        if len(self._damage) > MAX_DAMAGE_RECTS:
            whole = self._damage[0]
            for rect in self._damage[1:]:
                whole = whole.union(rect)
            self._damage = [whole]

    def close(self) -> None:
        """End soon; :attr:`task` is done when the thread is idle for good."""
        self._closing = True
        self._wake.set()

    # The task

    async def _run(self) -> None:
        error: MediaError | None = None
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
            # Idle by now, unless this task was cancelled: then the thread ends with its last frame.
            self._executor.shutdown(wait=False)
            self._pipeline = None
            self._ended(self)
            for feed in tuple(self._feeds):
                feed.fail(error or MediaError("the console's video was closed"))

    async def _step(self) -> None:
        """Encode one frame, or wait until there is a reason to."""
        self._collect()
        now = self._clock()
        size = self._framebuffer.width, self._framebuffer.height
        if size != self._size:
            # A new mode (or the first picture): everything is new, and the next frame is a keyframe. New memory
            # of the same size, as a guest that flips pages maps all the time, is damage like any other.
            self._size = size
            self._pipeline = None
            self._damage = [Rect(0, 0, *size)]
        if self._damage:
            self._scheduler.change(now)
            self._lost = False
        plan = self._scheduler.next() if self._size != _NO_PICTURE and not self._lost else None
        if plan is not None and plan.at <= now:
            await self._encode(plan, now)
            return
        self._wake.clear()
        try:
            async with asyncio.timeout(None if plan is None else plan.at - now):
                await self._wake.wait()
        except TimeoutError:
            pass  # the planned frame is due

    async def _encode(self, plan: Plan, now: float) -> None:
        picture, damage = self._framebuffer.picture, self._damage
        self._damage = []
        changed_at, self._changed_at = self._changed_at, None
        self._scheduler.begin(plan, now)
        self._timestamp = max(self._timestamp + 1, int(now * CLOCK_RATE))
        try:
            frame = await self._in_thread(picture, damage, plan.keyframe, plan.quality)
        except PictureLost as error:
            # The encoder is well. Viewers keep what they have until there is something new to read.
            logger.debug("a frame is left out: %s", error)
            self._stats = replace(self._stats, failures=self._stats.failures + 1)
            self._pipeline = None
            self._lost = True
            return
        except MediaError as error:
            self._encoders.failed(self._key.format, error)
            self._stats = replace(self._stats, failures=self._stats.failures + 1)
            self._pipeline = None
            frame = await self._in_thread(picture, [], True, Quality.MOTION)
        done = self._clock()
        delay_s = done - (now if changed_at is None else changed_at)
        self._meter.add(done, len(frame.data), encode_s=done - now, delay_s=delay_s)
        self._count(frame)
        self._scheduler.finish(plan, size=len(frame.data), keyframe=frame.keyframe)
        for feed in tuple(self._feeds):
            feed.push(frame)

    async def _in_thread(
        self, picture: Picture, damage: list[Rect], keyframe: bool, quality: Quality
    ) -> EncodedFrame:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._produce, picture, damage, keyframe, quality)

    def _produce(
        self, picture: Picture, damage: list[Rect], keyframe: bool, quality: Quality
    ) -> EncodedFrame:
        """In the worker thread."""
        if self._pipeline is None:
            width, height = self._size
            self._pipeline = Pipeline(
                self._key,
                width,
                height,
                downsample=self._downsample,
                hardware=self._encoders.hardware(self._key.format),
            )
            damage, keyframe = [Rect(0, 0, width, height)], True
        return self._pipeline.produce(picture, damage, self._timestamp, keyframe=keyframe, quality=quality)

    def _count(self, frame: EncodedFrame) -> None:
        assert self._pipeline is not None
        self._stats = replace(
            self._stats,
            frames=self._stats.frames + 1,
            keyframes=self._stats.keyframes + frame.keyframe,
            bytes=self._stats.bytes + len(frame.data),
            size=self._pipeline.size,
            encoder=self._pipeline.encoder,
            encoder_reason=self._encoders.reason(self._key.format),
        )
