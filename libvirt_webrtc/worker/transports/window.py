"""How much of a viewer's pictures may be under way on a stream: pure, without a clock or a socket.

A stream loses nothing, so there is no loss to judge a path by, and whatever is between here and the viewer keeps what
does not pass at once: a tunnel, a proxy, the kernels of each (``ssh -L`` alone keeps 2 MB, which at 4 Mbit/s are four
seconds). So the viewer acknowledges each message, and of pictures what was not acknowledged is bounded by what the path
is believed to carry within its shortest round trip and :data:`QUEUE_S`. Other messages are counted beside them, for
whoever can do with fewer: none of the two keeps the other out. LEDBAT (RFC 6817) bounds the delay that it adds
by the same 100 ms.
"""

from collections import deque
from dataclasses import dataclass

from libvirt_webrtc.errors import ViewerProtocolError

QUEUE_S = 0.1
"""How many seconds longer than the shortest one a round trip may become by what is sent here: later than that, typing
feels late."""
START_BYTES = 64 * 1024
"""What may be under way at first. It doubles in each round trip in which it did not queue, up to the bound above."""
LEAST_BYTES = 32 * 1024
"""What may be under way at least: two parts of a picture."""
QUICK_S = QUEUE_S / 2
"""A round trip that is this many seconds longer than the shortest one shows no queue."""

MESSAGE_BYTES = 256
"""What a message counts as at least: each is remembered until it is acknowledged, also those of a viewer that pings all
the time and acknowledges nothing."""

JUDGED_S = 0.5
"""For how many seconds a sender must have been held back to tell what the path carries."""
HELD_BACK = 0.6
"""For what part of that time."""

_WRAP = 1 << 32


@dataclass(frozen=True, slots=True)
class _Part:
    end: int
    """How many bytes had been sent with it."""
    at: float
    picture: int
    """Its bytes, where it is a part of a picture."""
    message: int
    """What it counts as, where it is another message."""


class SendWindow:
    """Bytes to one viewer that are under way. ``now`` is seconds of any monotonic clock.

    Attributes:
        base_s: the shortest round trip so far; None before the first.
        pictures: bytes of pictures that were sent and not acknowledged.
        messages: the same of other messages, each at least MESSAGE_BYTES.
    """

    def __init__(self) -> None:
        self.base_s: float | None = None
        self.pictures = self.messages = 0
        self._parts: deque[_Part] = deque()
        self._sent = self._received = 0
        self._grown = START_BYTES
        self._period_began = 0.0
        self._pictures_received = self._received_before = 0
        """Of pictures: in all, and before the period."""
        self._waited_until = float("-inf")
        self._waited_s = 0.0

    def has_room(self, target_bps: int) -> bool:
        """Whether more of a picture may be sent on a path that is believed to carry this much."""
        bound = int(target_bps / 8 * ((self.base_s or 0.0) + QUEUE_S))
        return self.pictures < min(self._grown, max(bound, LEAST_BYTES))

    def on_sent(self, now: float, size: int) -> None:
        """A part of a picture, of ``size`` bytes, has left."""
        self.pictures += size
        self._sent += size
        self._parts.append(_Part(self._sent, now, size, 0))

    def on_message(self, now: float, size: int) -> None:
        """Another message, of ``size`` bytes, has left."""
        counted = max(size, MESSAGE_BYTES)
        self.messages += counted
        self._sent += size
        self._parts.append(_Part(self._sent, now, 0, counted))

    def on_received(self, now: float, count: int) -> None:
        """The viewer has received ``count`` bytes in all, modulo 2**32.

        Raises:
            ViewerProtocolError: that is less than it told before, or more than was sent.
        """
        news = (count - self._received) % _WRAP
        if news > self._sent - self._received:
            raise ViewerProtocolError("a RECEIVED of more than was sent")
        before = self.pictures
        self._received += news
        sent_at = None
        while self._parts and self._parts[0].end <= self._received:
            part = self._parts.popleft()
            sent_at = part.at
            self.pictures -= part.picture
            self.messages -= part.message
        if sent_at is None:
            return
        self.on_round_trip(now - sent_at)
        arrived = before - self.pictures
        self._pictures_received += arrived
        if 2 * before >= self._grown and self.base_s is not None and now - sent_at - self.base_s < QUICK_S:
            self._grown += arrived

    def on_round_trip(self, rtt_s: float) -> None:
        """A round trip took this long."""
        self.base_s = rtt_s if self.base_s is None else min(self.base_s, rtt_s)

    def on_wait(self, began: float, ended: float) -> int | None:
        """A sender had to wait for room; what the path carries of pictures, in bits per second, once that is known."""
        if began - self._waited_until > JUDGED_S:
            self._begin_period(began)
        self._waited_s += ended - max(began, self._waited_until)
        self._waited_until = ended
        lasted = ended - self._period_began
        if lasted < JUDGED_S:
            return None
        held_back, received = self._waited_s, self._pictures_received - self._received_before
        self._begin_period(ended)
        return int(received * 8 / lasted) if held_back >= HELD_BACK * lasted else None

    def _begin_period(self, now: float) -> None:
        self._period_began, self._received_before, self._waited_s = now, self._pictures_received, 0.0
