"""One console's video for all its viewers."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.encode.encoders import Encoders
from libvirt_webrtc.media.formats import DEFAULT_FORMATS, RenditionKey, VideoFormat
from libvirt_webrtc.media.rendition import Rendition
from libvirt_webrtc.media.rendition_stats import RenditionStats
from libvirt_webrtc.media.subscription import OnEnd, OnFrame, Subscription
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.picture.framebuffer import Framebuffer


@dataclass(frozen=True, slots=True)
class VideoStats:
    """A console's video right now; renditions without viewers are gone."""

    renditions: tuple[RenditionStats, ...]

    @property
    def viewers(self) -> int:
        return sum(rendition.viewers for rendition in self.renditions)


class ConsoleVideo:
    """Encodes a framebuffer once per format and layer that somebody watches, whenever it changes, and only then.

    Everything here runs in the event loop's thread.

    Args:
        downsample: send half the width and height.
        formats: what viewers may be sent, in the order in which it is tried.
        hardware: the formats that hardware encodes, each with its encoder as FFmpeg names it.
    """

    def __init__(
        self,
        framebuffer: Framebuffer,
        *,
        downsample: bool = False,
        formats: Sequence[VideoFormat] = DEFAULT_FORMATS,
        hardware: Iterable[tuple[VideoFormat, str]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.formats = formats
        self._encoders = Encoders(hardware)
        self._framebuffer = framebuffer
        self._downsample = downsample
        self._clock = clock
        self._renditions: dict[RenditionKey, Rendition] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def track(self, *formats: VideoFormat) -> ConsoleTrack:
        """A track for a new viewer that takes these formats, the best first; stop it when the viewer goes.

        Raises:
            MediaError: the video is closed.
        """
        self._check_open()
        return ConsoleTrack(formats, self.subscribe, clock=self._clock)

    def subscribe(self, key: RenditionKey, on_frame: OnFrame, on_end: OnEnd) -> Subscription:
        """A place in the rendition of this key, which is made if there is none; see :class:`ConsoleTrack.watch`.

        Raises:
            MediaError: the video is closed.
        """
        self._check_open()
        rendition = self._renditions.get(key)
        if rendition is None or rendition.closing:
            rendition = self._renditions[key] = Rendition(
                key,
                self._framebuffer,
                downsample=self._downsample,
                encoders=self._encoders,
                ended=self._rendition_ended,
                clock=self._clock,
            )
            self._tasks.add(rendition.task)
            rendition.task.add_done_callback(self._tasks.discard)
        return rendition.subscribe(on_frame, on_end)

    def stats(self) -> VideoStats:
        return VideoStats(tuple(rendition.stats for rendition in self._renditions.values()))

    async def close(self) -> None:
        """End all tracks and threads. Idempotent; takes as long as the frames that are being encoded."""
        self._closed = True
        for rendition in self._renditions.values():
            rendition.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _check_open(self) -> None:
        if self._closed:
            raise MediaError("the console's video is closed")

    def _rendition_ended(self, rendition: Rendition) -> None:
        if self._renditions.get(rendition.key) is rendition:
            del self._renditions[rendition.key]
