"""How much of a viewer's pictures may be under way on a stream: pure, without a clock or a socket.

A stream loses nothing, so there is no loss to judge a path by, and whatever is between here and the viewer keeps what
does not pass at once: a tunnel, a proxy, the kernels of each (``ssh -L`` alone keeps 2 MB, which at 4 Mbit/s are four
seconds). So the viewer acknowledges each part of a picture, and what was not acknowledged is bounded by what the path
is believed to carry within its shortest round trip and :data:`QUEUE_S`. LEDBAT (RFC 6817) bounds the delay that it adds
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


class SendWindow:
    """Bytes of one viewer's frames that are under way. ``now`` is seconds of any monotonic clock."""

    def __init__(self) -> None:
        self.base_s: float | None = None
        """The shortest round trip so far; None before the first."""
        self._parts: deque[_Part] = deque()
        self._sent = self._received = 0
        self._grown = START_BYTES
        self._period_began = 0.0
        self._period_received = 0
        self._waited_until = float("-inf")
        self._waited_s = 0.0

    @property
    def under_way(self) -> int:
        """Bytes that were sent and not acknowledged."""
        return self._sent - self._received

    def has_room(self, target_bps: int) -> bool:
        """Whether more may be sent on a path that is believed to carry this much."""
        bound = int(target_bps / 8 * ((self.base_s or 0.0) + QUEUE_S))
        return self.under_way < min(self._grown, max(bound, LEAST_BYTES))

    def on_sent(self, now: float, size: int) -> None:
        """A part of ``size`` bytes has left."""
        self._sent += size
        self._parts.append(_Part(self._sent, now))

    def on_received(self, now: float, count: int) -> None:
        """The viewer has received ``count`` bytes in all, modulo 2**32.

        Raises:
            ViewerProtocolError: that is less than it told before, or more than was sent.
        """
        news = (count - self._received) % _WRAP
        if news > self.under_way:
            raise ViewerProtocolError("a RECEIVED of more than was sent")
        full = 2 * self.under_way >= self._grown
        self._received += news
        sent_at = None
        while self._parts and self._parts[0].end <= self._received:
            sent_at = self._parts.popleft().at
        if sent_at is None:
            return
        self.on_round_trip(now - sent_at)
        if full and self.base_s is not None and now - sent_at - self.base_s < QUICK_S:
            self._grown += news

    def on_round_trip(self, rtt_s: float) -> None:
        """A round trip took this long."""
        self.base_s = rtt_s if self.base_s is None else min(self.base_s, rtt_s)

    def on_wait(self, began: float, ended: float) -> int | None:
        """A sender had to wait for room; what the path carries, in bits per second, once that is known."""
        if began - self._waited_until > JUDGED_S:
            self._begin_period(began)
        self._waited_s += ended - max(began, self._waited_until)
        self._waited_until = ended
        lasted = ended - self._period_began
        if lasted < JUDGED_S:
            return None
        held_back, received = self._waited_s, self._received - self._period_received
        self._begin_period(ended)
        return int(received * 8 / lasted) if held_back >= HELD_BACK * lasted else None

    def _begin_period(self, now: float) -> None:
        self._period_began, self._period_received, self._waited_s = now, self._received, 0.0
