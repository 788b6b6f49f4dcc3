"""What one viewer's path carries, judged by what comes back over RTCP: pure, without a clock or a socket.

The usual controllers (GCC, draft-ietf-rmcat-gcc; NADA, RFC 8698) begin low and climb while an encoder fills whatever
they allow. A console is the opposite: still most of the time, and then a screenful at once, on a LAN more often than
not. So where ICE's checks were answered at once, this one begins high and believes evidence of congestion only:

* loss, from receiver reports and NACKs, beyond what the path loses anyway: GCC's loss-based limits (2%, 10%), over
  what was lost while little was sent and nothing was queued, or still is after a cut. NACK and RTX repair the rest.
* delay: round trips well over the shortest seen, for longer than a busy receiver is late.
* a REMB (draft-alvestrand-rmcat-remb) that falls, or comes at once: the receiver saw its packets arrive ever later,
  and names 0.85 of what came through. Delay, or far more sent, must confirm it. A REMB that is merely low says
  nothing: receivers begin with what they got in the first seconds, which from a still console is next to nothing, and
  grow it to 1.5 times of what they get. So it bounds a cut from below.

A path with a longer round trip leaves the building, and begins at what most of those carry; it grows fast until the
first such evidence.

Nothing fills the path on purpose to find out if it has become better: after a quiet time the belief grows, the viewer
gets a better layer, and if that fails the next quiet time is longer.
"""

from collections import deque

START_BPS = 25_000_000
"""Believed of a path until it shows otherwise, and at most."""
FLOOR_BPS = 150_000

NEAR_S = 0.02
"""Of a longer round trip it is not believed, but"""
FAR_START_BPS = 2_500_000
"""this."""
FAR_QUIET_S = 1.5
"""So long that is not believed to be too little;"""
FAR_GROWTH = 2.0
"""then more by so much, a second."""

DEEPEST_CUT = 0.4
"""Of the belief, by one event: a burst on a good path is no proof, two or three in a row are."""
DEEPEST_CUT_OF_MUCH = 0.25
LITTLE_PASSED = 0.6
"""Where no more than this part of what was sent got through, which no good path does."""
MUCH_PASSED = 0.7
BUSY = 0.2
"""Of the belief, so much must be sent for it to be to blame, where more than that part got through."""
SHALLOWEST_CUT = 0.85
ECHO_S = 0.1
"""And a round trip: so long after a cut what is heard is of before it."""
EPOCH_S = 0.15
"""And a round trip: so long NACKs are counted at least, since they come later than what they miss was sent."""
EPOCH_MAX_S = 1.0
ASSUMED_RTT_S = 0.1
RTT_MAX_S = 0.4
"""Of a longer one, the rest is a queue."""

LOSS_GROW = 0.02
LOSS_CUT = 0.10
SAME_LOSS = 0.6
"""Of the loss that was cut for: so much of it, after the cut and without a queue, is the path's own,"""
USUAL_LOSS_MAX = 0.25
"""if it is not more than that."""
MIN_PACKETS = 60
"""Fewer say nothing about loss: of 60, at 3%, more than 7 are lost once in thousands."""

QUEUED_S = 0.1
"""Round trips that stay this much over the shortest"""
QUEUED_FOR_S = 1.6
"""for longer than between two sender reports, which they are counted from, are a queue;"""
CONFIRMING_S = 0.04
"""with a REMB, this much is at once."""
REMB_STARTS_S = 4.0
"""libwebrtc's first REMB comes 5 s after the first packets, or when they pile up."""
REMB_EXCEEDED = 2.0
"""So much more sent than it confirms it as well."""
REMB_FALLS = 0.97
REMB_GROWS = 1.5
OVERUSE_S = 2.0
"""A REMB that fell is remembered for so long, until a round trip confirms it."""

HOLD_S = 1.0
"""No growth within this time of a cut."""
GROWTH = 1.08
"""A second, while the belief is made use of."""
QUIET_S = 5.0
"""Without a cut, until more is believed without proof; doubles each time that ends in a cut,"""
QUIET_MAX_S = 80.0
QUIET_GROWTH = 1.25
"""and so much more, a second."""

WINDOW_S = 1.0


class CongestionControl:
    """One viewer's path. ``now`` is seconds of any monotonic clock, the same one in every call."""

    def __init__(self) -> None:
        self.loss = 0.0
        """Lately, 0 to 1."""
        self.rtt_s: float | None = None
        """Of the last report that had one; before, of ICE's checks."""
        self.useful_bps = START_BPS
        """More is not believed without proof: nobody would make use of it."""
        self._target = float(START_BPS)
        self._updated: float | None = None
        self._began: float | None = None
        self._backlog_s = 0.0

        self._cut_at = float("-inf")
        self._quiet_s = QUIET_S
        self._quiet_growth = QUIET_GROWTH
        self._tried = False

        self._sent: deque[tuple[float, int]] = deque()
        self._sent_bytes = 0
        self._epoch_at = float("-inf")
        self._epoch_sent = 0
        self._epoch_nacked = 0
        self._unreported = 0
        self._reported = 0
        self._reported_lost = 0.0
        self._usual_loss = 0.0
        self._cut_loss = 0.0
        """What the last cut for loss was for; 0 once less is lost."""

        self._base_rtt: float | None = None
        self._queued_at: float | None = None
        self._remb = 0
        self._overuse_at = float("-inf")

    @property
    def target_bps(self) -> int:
        """What the path is believed to carry."""
        return int(self._target)

    @property
    def pacing_bps(self) -> int:
        """What the pacer may send at most: a keyframe must not wait on a LAN, nor flood a path known to be slow."""
        return int(self._target * (2.5 if self._target >= START_BPS else 1.5))

    def begin(self, now: float, rtt_s: float) -> None:
        """The shortest round trip of ICE's checks; once, before anything is sent."""
        self.rtt_s = self._base_rtt = rtt_s
        if rtt_s > NEAR_S:
            self._target = FAR_START_BPS
            self._cut_at, self._quiet_s, self._quiet_growth = now, FAR_QUIET_S, FAR_GROWTH

    def on_sent(self, now: float, size: int, packets: int = 1) -> None:
        """``packets`` of ``size`` bytes together have left, headers included."""
        self._sent.append((now, size))
        self._sent_bytes += size
        self._unreported += packets
        if self._began is None:
            self._began = self._epoch_at = now
        if now >= self._epoch_at:
            self._epoch_sent += packets
        self._advance(now)

    def on_backlog(self, now: float, seconds: float) -> None:
        """What waits in the pacer would take ``seconds`` at its present rate."""
        self._backlog_s = seconds
        self._advance(now)

    def on_nack(self, now: float, packets: int) -> None:
        """The receiver misses ``packets`` of what was sent; each is told once."""
        self._advance(now)
        if now < self._epoch_at:
            return
        self._epoch_nacked += packets
        counted_s = now - self._epoch_at
        if counted_s < EPOCH_S + self._trip_s or self._epoch_sent < MIN_PACKETS:
            return
        lost = min(self._epoch_nacked / self._epoch_sent, 1.0)
        if lost > LOSS_CUT + self._usual_loss:
            self._on_loss(now, lost)
        elif counted_s > EPOCH_MAX_S:
            self._begin_epoch(now)

    def on_report(self, now: float, *, fraction_lost: float, rtt_s: float | None, jitter_s: float) -> None:
        """A receiver report (RFC 3550, 6.4) about this stream; ``fraction_lost`` is 0 to 1."""
        self._advance(now)
        if rtt_s is not None:
            self._on_rtt(now, rtt_s)
        # libwebrtc reports with each NACK: a few packets each time.
        packets, self._unreported = self._unreported, 0
        if now < self._epoch_at:
            return
        self._reported += packets
        self._reported_lost += packets * fraction_lost
        if self._reported < MIN_PACKETS:
            return
        self.loss = self._reported_lost / self._reported
        self._reported, self._reported_lost = 0, 0.0
        if self.loss < SAME_LOSS * self._cut_loss:
            self._cut_loss = 0.0
        if self.loss > LOSS_CUT + self._usual_loss:
            self._on_loss(now, self.loss)
        elif self._sent_bps < self._target / 2 and self._queue_s < CONFIRMING_S:
            self._learn_loss(self.loss)

    def on_remb(self, now: float, bits_per_second: int) -> None:
        """The receiver's estimate."""
        self._advance(now)
        before, self._remb = self._remb, bits_per_second
        if before:
            fell = bits_per_second < REMB_FALLS * before
        else:
            fell = self._began is not None and now - self._began < REMB_STARTS_S
        if fell:
            self._overuse_at = now
            self._confirm(now)

    def limit(self, now: float, bits_per_second: int) -> None:
        """The viewer has shown, in whatever way, that it does not take this much."""
        self._advance(now)
        if self._target >= bits_per_second:
            self._note_cut(now)
            self._target = max(0.9 * bits_per_second, FLOOR_BPS)

    @property
    def _sent_bps(self) -> float:
        return self._sent_bytes * 8 / WINDOW_S

    @property
    def _busy(self) -> bool:
        """Whether a queue may be of our making: by more than a part of what was found to pass."""
        return self._target >= START_BPS or self._sent_bps > BUSY * self._target

    @property
    def _trip_s(self) -> float:
        return ASSUMED_RTT_S if self.rtt_s is None else min(self.rtt_s, RTT_MAX_S)

    @property
    def _queue_s(self) -> float:
        return 0.0 if self.rtt_s is None or self._base_rtt is None else self.rtt_s - self._base_rtt

    def _on_loss(self, now: float, loss: float) -> None:
        """More than usual: too much was sent, unless sending less has not helped."""
        same = 0 < SAME_LOSS * self._cut_loss <= loss < USUAL_LOSS_MAX
        if same and self._queue_s < CONFIRMING_S:
            self._learn_loss(loss)
            self._begin_epoch(now)
        elif self._cut(now, self._sent_bps * (1 - loss)):
            self._cut_loss = loss

    def _learn_loss(self, loss: float) -> None:
        self._usual_loss += 0.3 * (loss - self._usual_loss)

    def _on_rtt(self, now: float, rtt_s: float) -> None:
        self.rtt_s = rtt_s
        self._base_rtt = rtt_s if self._base_rtt is None else min(self._base_rtt, rtt_s)
        self._confirm(now)
        if self._queue_s < QUEUED_S:
            self._queued_at = None
        elif self._queued_at is None:
            self._queued_at = now
        elif now - self._queued_at > QUEUED_FOR_S:
            self._cut(now, self._sent_bps)

    def _confirm(self, now: float) -> None:
        confirmed = self._queue_s > CONFIRMING_S or self._sent_bps > REMB_EXCEEDED * self._remb
        if confirmed and now - self._overuse_at < OVERUSE_S:
            self._cut(now, self._remb)

    def _cut(self, now: float, carried_bps: float) -> bool:
        """Whether there is a reason to; then it is done."""
        if now < self._epoch_at:
            return False
        passed = carried_bps / max(self._sent_bps, 1.0)
        if passed > MUCH_PASSED and not self._busy:
            return False
        self._note_cut(now)
        deepest = DEEPEST_CUT if passed > LITTLE_PASSED else DEEPEST_CUT_OF_MUCH
        carried = max(carried_bps, self._remb / REMB_GROWS, deepest * self._target)
        self._target = max(min(carried, SHALLOWEST_CUT * self._target), FLOOR_BPS)
        return True

    def _note_cut(self, now: float) -> None:
        if self._tried:
            lasted = now - self._cut_at > 3 * self._quiet_s
            self._quiet_s = QUIET_S if lasted else min(2 * self._quiet_s, QUIET_MAX_S)
        self._tried = False
        self._quiet_s, self._quiet_growth = max(self._quiet_s, QUIET_S), QUIET_GROWTH
        self._cut_at = now
        self._queued_at = None
        self._overuse_at = float("-inf")
        self._reported, self._reported_lost = 0, 0.0
        self._begin_epoch(now + ECHO_S + self._trip_s)

    def _begin_epoch(self, at: float) -> None:
        self._epoch_at = at
        self._epoch_sent = self._epoch_nacked = 0

    def _advance(self, now: float) -> None:
        while self._sent and self._sent[0][0] <= now - WINDOW_S:
            self._sent_bytes -= self._sent.popleft()[1]
        elapsed = min(now - self._updated, WINDOW_S) if self._updated is not None else 0.0
        self._updated = now
        since_cut = now - self._cut_at
        if elapsed <= 0 or self._target >= START_BPS or since_cut < HOLD_S:
            return
        if since_cut > self._quiet_s and self._target < self.useful_bps:
            self._tried = True
            self._target = min(self._target * self._quiet_growth**elapsed, self.useful_bps)
            return
        used = self._sent_bps > self._target / 2 or self._backlog_s > 0
        if used and self.loss <= LOSS_GROW + self._usual_loss:
            self._target = min(self._target * GROWTH**elapsed, START_BPS)
