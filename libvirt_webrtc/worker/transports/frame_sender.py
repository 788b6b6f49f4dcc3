"""Sends the pictures of one viewer's consoles over its stream, as fast as the viewer acknowledges them.

Other messages pass through here as well: what is under way is one queue.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from libvirt_webrtc.input.stream_messages import frame_parts
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.rtp.congestion import NEAR_S
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.worker.message_socket import MessageSocket
from libvirt_webrtc.worker.transports.window import SendWindow

FORMAT_CODES = {
    VideoFormat.H264: 0,
    VideoFormat.H264_444: 1,
    VideoFormat.VP8: 2,
    VideoFormat.VP9: 3,
    VideoFormat.VP9_444: 4,
}
"""The numbers of formats in a FRAME (docs/protocol.md)."""


HEARD_S = 0.5
"""Seconds between two looks at what the path is believed to carry: a silent page pings once a second, and a receiver's
reports over WebRTC come as often."""


class FrameSender:
    """Shares one window between the tracks of a viewer; each has its task, which runs :meth:`run`.

    The next frame is asked for when the last one has left, as :class:`~libvirt_webrtc.media.rtp.sender.RtpSender` does:
    what a viewer is too slow for waits in its track, which drops it and moves to another layer.
    """

    def __init__(self, sock: MessageSocket, clock: Callable[[], float] = time.monotonic) -> None:
        self._socket = sock
        self._clock = clock
        self._window = SendWindow()
        self._tracks: list[ConsoleTrack] = []
        self._begun = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._heard_at = float("-inf")

    async def begin(self, tracks: list[ConsoleTrack], rtt_s: float) -> None:
        """Let the viewer's tracks be sent from now on. To be called once; may be cancelled.

        The viewer's first answer, after ``rtt_s``, has the portal's work in it, and what its page had to do. Where that
        is long for a near path, the acknowledgement of a message may tell better, and is waited for as long as a near
        path takes. Nothing is encoded before: a picture for the wrong path would have to be followed by another.
        """
        self._window.on_round_trip(rtt_s)
        if rtt_s > NEAR_S:
            with suppress(TimeoutError):
                async with asyncio.timeout(NEAR_S):
                    await self._acknowledged.wait()
        for track in tracks:
            track.congestion.begin(self._clock(), self._window.base_s or rtt_s)
        self._tracks = tracks
        self._begun.set()

    @property
    def messages_waiting(self) -> int:
        """Bytes of messages other than pictures that have not reached the viewer, as far as is known."""
        return self._socket.unsent + self._window.messages

    def send(self, message: bytes) -> None:
        """Have a message that is no part of a picture sent, whatever waits."""
        self._socket.write(message)
        self._window.on_message(self._clock(), len(message))

    def received(self, count: int) -> None:
        """The viewer has received ``count`` bytes of messages in all, WELCOME left out. Raises ViewerProtocolError."""
        self._window.on_received(self._clock(), count)
        self._acknowledged.set()

    def heard(self) -> None:
        """The viewer has sent something: time passes, and with it what its path is believed to carry may grow."""
        now = self._clock()
        if now - self._heard_at >= HEARD_S:
            self._heard_at = now
            for track in self._tracks:
                track.congestion.on_backlog(now, 0.0)

    async def run(self, track: ConsoleTrack, console: Callable[[], int]) -> None:
        """Send a track's frames as the pictures of ``console()``, after :meth:`begin`; may be cancelled.

        Raises:
            MediaStreamError: the track has ended.
            WorkerGone: the stream has.
        """
        await self._begun.wait()
        while True:
            frame = await track.next_frame()
            await self._send(frame, track, bytes((console(),)))

    async def _send(self, frame: RtpFrame, track: ConsoleTrack, console: bytes) -> None:
        width, height = frame.shape.encoded
        for part in frame_parts(
            frame.encoded.data,
            format_code=FORMAT_CODES[frame.encoded.format],
            keyframe=frame.keyframe,
            timestamp=frame.timestamp,
            width=width,
            height=height,
        ):
            await self._room()
            if not track.is_wanted(frame):
                return
            message = console + part
            now = self._clock()
            self._socket.write(message)
            self._window.on_sent(now, len(message))
            track.congestion.on_sent(now, len(message))

    async def _room(self) -> None:
        """Return when a part may be sent."""
        began = self._clock()
        while True:
            await self._socket.drain()
            if self._window.has_room(self._target_bps):
                break
            self._acknowledged.clear()
            await self._acknowledged.wait()
        now = self._clock()
        if now > began and (carried := self._window.on_wait(began, now)) is not None:
            watched = self._watched
            for track in watched:
                track.congestion.limit(now, carried // len(watched))

    @property
    def _watched(self) -> list[ConsoleTrack]:
        return [track for track in self._tracks if track.watched] or self._tracks

    @property
    def _target_bps(self) -> int:
        return sum(track.congestion.target_bps for track in self._watched)
