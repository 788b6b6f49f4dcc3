"""Sends one viewer's packets: puts headers on the shared payloads, paces them, and repeats lost ones."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.rtp.congestion import CongestionControl
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.rtp.header import HeaderExtensions, pack_header, wrap_header
from libvirt_webrtc.media.rtp.history import HISTORY_PACKETS, History
from libvirt_webrtc.media.rtp.pacer import Pacer

ASSUMED_ROUND_TRIP_S = 0.05
"""The round trip, in seconds, of a viewer that has told none yet."""
QUIET_S = 2.0
"""After how many seconds without a frame a viewer's first request for a keyframe is not heard, if it has reported that
it received everything. libwebrtc asks for one when no frame has come for 3 s
(VideoReceiveStream2::OnDecodableFrameTimeout), which is how a picture that does not change looks to it."""


class FrameSource(Protocol):
    """Where the frames come from: a track."""

    @property
    def congestion(self) -> CongestionControl: ...

    async def next_frame(self) -> RtpFrame: ...

    def is_wanted(self, frame: RtpFrame) -> bool: ...

    def request_keyframe(self) -> None: ...

    def keyframe_reported(self, *, whole: bool) -> None: ...


class Path(Protocol):
    """The way to one viewer's socket. The methods do not block."""

    def ready(self) -> bool:
        """Return whether the socket has taken everything so far; to be asked before each burst.

        Raises:
            ConnectionError: the connection is closed.
        """
        ...

    def send(self, packet: bytes) -> None:
        """Protect and send one RTP packet."""
        ...

    def count(self, packets: int, octets: int, timestamp: int) -> None:
        """Count packets that have left for the first time, for statistics and sender reports.

        Args:
            octets: bytes of payload in them together.
            timestamp: RTP timestamp of the last one.
        """
        ...


@dataclass(frozen=True, slots=True)
class RtpStream:
    """What the headers of an RTP stream's packets have in common."""

    ssrc: int
    payload_type: int


class RtpSender:
    """Sends a track's frames: one frame after the other, in bursts that the track's congestion control allows.

    The next frame is asked for when the last one has left. So frames that a viewer is too slow for wait in the track,
    which knows which of them to drop. Everything runs in the event loop's thread.

    Args:
        retransmission: the stream for packets sent again (RFC 4588); without it they are repeated as they were.
        others: the same two for formats that are not sent in ``stream``'s payload type.
    """

    def __init__(
        self,
        source: FrameSource,
        path: Path,
        stream: RtpStream,
        extensions: HeaderExtensions,
        *,
        retransmission: RtpStream | None = None,
        others: Mapping[VideoFormat, tuple[RtpStream, RtpStream | None]] = MappingProxyType({}),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._source = source
        self._congestion = source.congestion
        self._path = path
        self._first = stream, retransmission
        self._others = others
        self._stream, self._retransmission = self._first
        self._extensions = extensions
        self._clock = clock
        self._sleep = sleep
        self._pacer = Pacer(clock())
        self._history = History(clock())
        # The lower half: a sequence number that wraps soon after the start confuses SRTP where the start is lost.
        self._sequence = random.randrange(1 << 15)
        self._repeated_sequence = random.randrange(1 << 15)
        self._origin = random.randrange(1 << 32)
        self._timestamp = 0
        self._round_trip_s = ASSUMED_ROUND_TRIP_S
        self._sent_at = clock()
        self._all_received = False
        """The viewer has reported that it received everything so far."""
        self._refused = False
        self._keyframe_end: int | None = None
        """The number of the last keyframe's last packet; None while none has left."""

    async def run(self) -> None:
        """Send until the track or the connection ends; may be cancelled.

        Raises:
            MediaStreamError: the track has ended.
            ConnectionError: the connection is closed.
        """
        while True:
            await self._send(await self._source.next_frame())

    def repeat(self, lost: Sequence[int]) -> None:
        """Send packets again that the viewer misses (NACK), as far as they are known and the budget allows."""
        now = self._clock()
        self._congestion.on_nack(now, self._history.miss(lost))
        self._pacer.refill(now, self._congestion.pacing_bps)
        self._history.refill(now, self._congestion.target_bps)
        try:
            if not self._path.ready():
                return
        except ConnectionError:
            # The connection is ending; run() ends with the same error.
            return
        extensions = self._extensions.at(time.time())
        for sequence in lost[:HISTORY_PACKETS]:
            packet = self._history.take(now, sequence, self._round_trip_s)
            if packet is None:
                continue
            header, payload = packet
            repeated = self._repeated_header(header, extensions) + payload
            self._path.send(repeated)
            self._pacer.spend(len(repeated))
            self._congestion.on_sent(now, len(repeated))

    def picture_lost(self) -> None:
        """Have a keyframe made, because the viewer asks for one (PLI, FIR)."""
        still = self._all_received and self._clock() - self._sent_at > QUIET_S
        if still and not self._refused:
            # A viewer asks once in a quiet time. If it asks again, it has lost something.
            self._refused = True
            return
        self._source.request_keyframe()

    def report(
        self, *, fraction_lost: float, highest_sequence: int, rtt_s: float | None, jitter_s: float
    ) -> None:
        """Take note of a receiver's report about this stream; ``fraction_lost`` is 0 to 1."""
        if fraction_lost:
            self._source.keyframe_reported(whole=False)
        elif self._keyframe_end is not None and (highest_sequence - self._keyframe_end) & 0xFFFF < 1 << 15:
            self._source.keyframe_reported(whole=True)
        self._all_received = highest_sequence & 0xFFFF == (self._sequence - 1) & 0xFFFF and not fraction_lost
        if rtt_s is not None:
            self._round_trip_s = rtt_s
        self._congestion.on_report(self._clock(), fraction_lost=fraction_lost, rtt_s=rtt_s, jitter_s=jitter_s)

    def estimate(self, bits_per_second: int) -> None:
        """Take note of the receiver's own estimate of what its path carries (REMB)."""
        self._congestion.on_remb(self._clock(), bits_per_second)

    async def _send(self, frame: RtpFrame) -> None:
        # All renditions follow one clock, but a viewer that moves to another may get a frame of the same time.
        self._timestamp = max(self._timestamp + 1, frame.timestamp)
        if frame.keyframe:
            # The next one may be of another format.
            self._history.forget()
            self._stream, self._retransmission = self._others.get(frame.encoded.format, self._first)
            self._keyframe_end = None
        sent, waited = self._burst(frame.payloads, 0), False
        while sent < len(frame.payloads) and self._source.is_wanted(frame):
            left = frame.size * (len(frame.payloads) - sent) // len(frame.payloads)
            self._congestion.on_backlog(self._clock(), self._pacer.drain_s(left))
            await self._sleep(self._pacer.wait_s())
            sent = self._burst(frame.payloads, sent)
            waited = True
        if waited:
            self._congestion.on_backlog(self._clock(), 0.0)
        if frame.keyframe and sent == len(frame.payloads):
            self._keyframe_end = (self._sequence - 1) & 0xFFFF

    def _burst(self, payloads: tuple[bytes, ...], begin: int) -> int:
        """Send what may leave now of ``payloads`` from ``begin`` on, and return the index of the first that may not."""
        now = self._clock()
        self._pacer.refill(now, self._congestion.pacing_bps)
        if not self._path.ready():
            return begin
        timestamp = (self._origin + self._timestamp) & 0xFFFFFFFF
        extensions = self._extensions.at(time.time())
        ssrc, payload_type, last = self._stream.ssrc, self._stream.payload_type, len(payloads) - 1
        octets, size, sequence, end = 0, 0, self._sequence, begin
        for index in range(begin, len(payloads)):
            payload = payloads[index]
            header = pack_header(payload_type, sequence, timestamp, ssrc, index == last, extensions)
            packet = header + payload
            if not self._pacer.take(len(packet)):
                break
            self._path.send(packet)
            self._history.add(sequence, header, payload)
            sequence = (sequence + 1) & 0xFFFF
            octets += len(payload)
            size += len(packet)
            end = index + 1
        self._sequence = sequence
        if end > begin:
            self._sent_at, self._all_received, self._refused = now, False, False
            self._path.count(end - begin, octets, timestamp)
            self._congestion.on_sent(now, size, end - begin)
        return end

    def _repeated_header(self, header: bytes, extensions: bytes) -> bytes:
        stream = self._retransmission
        if stream is None:
            # Byte for byte as before: SRTP must never protect two packets with one sequence number.
            return header
        sequence = self._repeated_sequence
        self._repeated_sequence = (sequence + 1) & 0xFFFF
        return wrap_header(
            header,
            payload_type=stream.payload_type,
            sequence=sequence,
            ssrc=stream.ssrc,
            extensions=extensions,
        )
