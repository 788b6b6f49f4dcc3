"""One console's video for all its viewers."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.encode.encoders import Encoders
from libvirt_webrtc.media.formats import DEFAULT_FORMATS, RenditionKey, VideoFormat
from libvirt_webrtc.media.rendition import Clock, Rendition, RenditionStats
from libvirt_webrtc.media.track import ConsoleTrack, Feed, PacketSource
from libvirt_webrtc.picture.framebuffer import Framebuffer


@dataclass(frozen=True, slots=True)
class VideoStats:
    """A console's video right now; renditions without viewers are gone."""

    renditions: tuple[RenditionStats, ...]

    @property
    def viewers(self) -> int:
        return sum(rendition.viewers for rendition in self.renditions)


class ConsoleVideo:
    """Encodes a framebuffer once per format and layer that somebody watches, when it changes, and never else.

    Everything here runs in the event loop's thread. Takes over ``framebuffer.on_damage``.

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
        clock: Clock = time.monotonic,
    ) -> None:
        self.formats = formats
        self._encoders = Encoders(hardware)
        self._framebuffer = framebuffer
        self._downsample = downsample
        self._clock = clock
        self._renditions: dict[RenditionKey, Rendition] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        framebuffer.on_damage = self._damaged

    def track(self, format_: VideoFormat) -> ConsoleTrack:
        """A new viewer's track; stop it when the viewer goes.

        Raises:
            MediaError: the video is closed.
        """
        if self._closed:
            raise MediaError("the console's video is closed")
        return ConsoleTrack(format_, self.attach, clock=self._clock)

    def stats(self) -> VideoStats:
        return VideoStats(tuple(rendition.stats for rendition in self._renditions.values()))

    async def close(self) -> None:
        """End all tracks and threads; twice is fine."""
        self._closed = True
        self._framebuffer.on_damage = None
        for rendition in self._renditions.values():
            rendition.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def attach(self, feed: Feed) -> PacketSource:
        """The feed's rendition; what :meth:`ConsoleTrack.watch` takes.

        Raises:
            MediaError: the video is closed.
        """
        if self._closed:
            raise MediaError("the console's video is closed")
        rendition = self._renditions.get(feed.key)
        if rendition is None or rendition.closing:
            rendition = self._renditions[feed.key] = Rendition(
                feed.key,
                self._framebuffer,
                downsample=self._downsample,
                encoders=self._encoders,
                collect=self._collect,
                ended=self._rendition_ended,
                clock=self._clock,
            )
            self._tasks.add(rendition.task)
            rendition.task.add_done_callback(self._tasks.discard)
            self._framebuffer.watched = True
        rendition.attach(feed)
        return rendition

    def _damaged(self) -> None:
        for rendition in self._renditions.values():
            rendition.wake()

    def _collect(self) -> None:
        """Damage is told once, so whichever rendition takes it gives it to all."""
        damage = self._framebuffer.take_damage()
        if damage:
            for rendition in self._renditions.values():
                rendition.add_damage(damage)

    def _rendition_ended(self, rendition: Rendition) -> None:
        if self._renditions.get(rendition.stats.key) is rendition:
            del self._renditions[rendition.stats.key]
        self._framebuffer.watched = bool(self._renditions)
