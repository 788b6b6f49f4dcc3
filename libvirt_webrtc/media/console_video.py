"""One console's video for all its viewers."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.encode.encoders import Encoders
from libvirt_webrtc.media.formats import DEFAULT_FORMATS, LaneKey, VideoFormat
from libvirt_webrtc.media.rendition import Clock, Lane, LaneStats
from libvirt_webrtc.media.track import ConsoleTrack, Feed, PacketSource
from libvirt_webrtc.picture.framebuffer import Framebuffer


@dataclass(frozen=True, slots=True)
class VideoStats:
    """A console's video right now; lanes without viewers are gone."""

    lanes: tuple[LaneStats, ...]

    @property
    def viewers(self) -> int:
        return sum(lane.viewers for lane in self.lanes)


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
        self._lanes: dict[LaneKey, Lane] = {}
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
        return VideoStats(tuple(lane.stats for lane in self._lanes.values()))

    async def close(self) -> None:
        """End all tracks and threads; twice is fine."""
        self._closed = True
        self._framebuffer.on_damage = None
        for lane in self._lanes.values():
            lane.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def attach(self, feed: Feed) -> PacketSource:
        """The feed's lane; what :meth:`ConsoleTrack.watch` takes.

        Raises:
            MediaError: the video is closed.
        """
        if self._closed:
            raise MediaError("the console's video is closed")
        lane = self._lanes.get(feed.key)
        if lane is None or lane.closing:
            lane = self._lanes[feed.key] = Lane(
                feed.key,
                self._framebuffer,
                downsample=self._downsample,
                encoders=self._encoders,
                collect=self._collect,
                ended=self._lane_ended,
                clock=self._clock,
            )
            self._tasks.add(lane.task)
            lane.task.add_done_callback(self._tasks.discard)
            self._framebuffer.watched = True
        lane.attach(feed)
        return lane

    def _damaged(self) -> None:
        for lane in self._lanes.values():
            lane.wake()

    def _collect(self) -> None:
        """Damage is told once, so whichever lane takes it gives it to all."""
        damage = self._framebuffer.take_damage()
        if damage:
            for lane in self._lanes.values():
                lane.add_damage(damage)

    def _lane_ended(self, lane: Lane) -> None:
        if self._lanes.get(lane.stats.key) is lane:
            del self._lanes[lane.stats.key]
        self._framebuffer.watched = bool(self._lanes)
