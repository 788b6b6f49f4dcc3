"""What a viewer's reports tell of delay: a queue on the way, by round trips and by the receiver's own estimate."""

ASSUMED_RTT_S = 0.1
"""The round trip, in seconds, of a path that has told none yet."""
RTT_MAX_S = 0.4
"""The longest round trip, in seconds, that is waited for: the rest of a longer one is a queue."""
QUEUED_S = 0.1
"""How many seconds a round trip must be longer than the shortest one to show a queue by itself."""
QUEUED_FOR_S = 1.6
"""For how many seconds round trips must be that long: longer than the time between two sender reports, from which they
are counted, so that one late answer of a busy receiver is no proof."""
CONFIRMING_S = 0.04
"""How many seconds a round trip must be longer than the shortest one to confirm an estimate that fell."""
REMB_STARTS_S = 4.0
"""For how many seconds after the first packet an estimate is a sign by itself: libwebrtc's first one comes after 5 s,
or when packets pile up."""
REMB_EXCEEDED = 2.0
"""How many times the estimate must have been sent to confirm that it fell."""
REMB_FALLS = 0.97
"""Below what part of the last estimate a new one has fallen."""
OVERUSE_S = 2.0
"""For how many seconds a fallen estimate waits to be confirmed."""


class PathDelay:
    """Delay on one viewer's path. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self.rtt_s: float | None = None
        """The round trip of the last report that had one; before, of ICE's checks."""
        self.remb_bps = 0
        """The receiver's last estimate (REMB), in bits per second; 0 before there is one."""
        self._base_rtt: float | None = None
        self._queued_at: float | None = None
        self._overuse_at = float("-inf")

    @property
    def queue_s(self) -> float:
        """How much longer the last round trip was than the shortest."""
        return 0.0 if self.rtt_s is None or self._base_rtt is None else self.rtt_s - self._base_rtt

    @property
    def trip_s(self) -> float:
        """A round trip to wait for."""
        return ASSUMED_RTT_S if self.rtt_s is None else min(self.rtt_s, RTT_MAX_S)

    def begin(self, rtt_s: float) -> None:
        """The shortest round trip of ICE's checks."""
        self.rtt_s = self._base_rtt = rtt_s

    def on_rtt(self, rtt_s: float) -> None:
        """A report has told a round trip."""
        self.rtt_s = rtt_s
        self._base_rtt = rtt_s if self._base_rtt is None else min(self._base_rtt, rtt_s)

    def is_queued(self, now: float) -> bool:
        """Whether round trips have been too long for too long; to be asked after each :meth:`on_rtt`."""
        if self.queue_s < QUEUED_S:
            self._queued_at = None
        elif self._queued_at is None:
            self._queued_at = now
        else:
            return now - self._queued_at > QUEUED_FOR_S
        return False

    def on_remb(self, now: float, bits_per_second: int, began: float | None) -> bool:
        """The receiver's estimate has come; whether it is a sign of too much, which is yet to be confirmed.

        Args:
            began: when the first packet left; None before.
        """
        before, self.remb_bps = self.remb_bps, bits_per_second
        if before:
            fell = bits_per_second < REMB_FALLS * before
        else:
            fell = began is not None and now - began < REMB_STARTS_S
        if fell:
            self._overuse_at = now
        return fell

    def confirms_overuse(self, now: float, sent_bps: float) -> bool:
        """Whether an estimate fell lately, and a round trip, or far more sent than that, says the same."""
        confirmed = self.queue_s > CONFIRMING_S or sent_bps > REMB_EXCEEDED * self.remb_bps
        return confirmed and now - self._overuse_at < OVERUSE_S

    def on_cut(self) -> None:
        """Less is sent from now on: forget the signs that it was for."""
        self._queued_at = None
        self._overuse_at = float("-inf")
