"""What one viewer's path carries, judged by what comes back over RTCP: pure, without a clock or a socket.

The usual controllers (GCC, draft-ietf-rmcat-gcc; NADA, RFC 8698) begin low and climb while an encoder fills whatever
they allow. A console is the opposite: still most of the time, and then a screenful at once, on a LAN more often than
not. So this one begins high and believes evidence of congestion only:

* loss, from receiver reports and NACKs, beyond what the path loses anyway: GCC's loss-based limits (2%, 10%), over
  what was lost while little was sent. NACK and RTX repair the rest.
* delay: round trips well over the shortest seen.
* a REMB (draft-alvestrand-rmcat-remb) that *falls*: the receiver saw its packets arrive ever later, and names 0.85 of
  what came through. A REMB that is merely low says nothing: receivers begin with, and grow it to 1.5 times of, what
  they got, which from a still console is next to nothing. Delay must confirm it, since a busy receiver sees the same.

Nothing fills the path on purpose to find out if it has become better: after a quiet time the belief grows, viewers get
more, and if that fails the next quiet time is longer.
"""

from collections import deque

START_BPS = 25_000_000
"""Believed of a path until it shows otherwise, and at most."""
FLOOR_BPS = 150_000

DEEPEST_CUT = 0.4
"""Of the belief, by one event: a burst on a good path is no proof, two or three in a row are."""
SHALLOWEST_CUT = 0.85
CUT_INTERVAL_S = 0.25
"""With a round trip on top, until what was sent since the last cut has been heard of."""

LOSS_GROW = 0.02
LOSS_CUT = 0.10
MIN_PACKETS = 20
"""Fewer say nothing about loss."""
MIN_LOST = 8

QUEUED_S = 0.1
"""Round trips this much over the shortest are a queue,"""
CONFIRMING_S = 0.04
"""and with a falling REMB this much."""

HOLD_S = 1.0
"""No growth within this time of a cut."""
GROWTH = 1.08
"""A second, while the belief is made use of."""
QUIET_S = 5.0
QUIET_MAX_S = 80.0
QUIET_GROWTH = 1.5
"""A second, after a quiet time; that doubles with every cut that comes of it."""

WINDOW_S = 1.0


class CongestionControl:
    """One viewer's path. ``now`` is seconds of any monotonic clock, the same one in every call."""

    def __init__(self) -> None:
        self.loss = 0.0
        """Of the last report, 0 to 1."""
        self.rtt_s: float | None = None
        """Of the last report that had one."""
        self.backlog_s = 0.0
        self._target = float(START_BPS)
        self._updated: float | None = None
        self._cut_at = float("-inf")
        self._quiet_s = QUIET_S
        self._tried = False
        self._usual_loss = 0.0
        self._base_rtt: float | None = None
        self._remb: int | None = None
        self._overuse_at = float("-inf")
        self._sent: deque[tuple[float, int]] = deque()
        self._sent_bytes = 0
        self._reported_packets = 0
        self._nacked: deque[tuple[float, int]] = deque()
        self._nacked_packets = 0

    @property
    def target_bps(self) -> int:
        """What the path is believed to carry."""
        return int(self._target)

    @property
    def pacing_bps(self) -> int:
        """What the pacer may send at most: a keyframe must not wait on a LAN, nor flood a path known to be slow."""
        return int(self._target * (2.5 if self._target >= START_BPS else 1.5))

    def on_sent(self, now: float, size: int) -> None:
        """A packet of ``size`` bytes has left, headers included."""
        self._sent.append((now, size))
        self._sent_bytes += size
        self._reported_packets += 1
        self._advance(now)

    def on_backlog(self, now: float, seconds: float) -> None:
        """What waits in the pacer would take ``seconds`` at its present rate."""
        self.backlog_s = seconds
        self._advance(now)

    def on_nack(self, now: float, packets: int) -> None:
        """The receiver misses ``packets`` of what was sent."""
        self._advance(now)
        self._nacked.append((now, packets))
        self._nacked_packets += packets
        sent = len(self._sent)
        if sent >= MIN_PACKETS and self._nacked_packets >= MIN_LOST:
            lost = min(self._nacked_packets / sent, 1.0)
            # A packet may be asked for more than once: be slower to believe these than reports.
            if lost > 1.5 * LOSS_CUT + self._usual_loss:
                self._cut(now, self._sent_bps * (1 - lost))

    def on_report(self, now: float, *, fraction_lost: float, rtt_s: float | None, jitter_s: float) -> None:
        """A receiver report (RFC 3550, 6.4) about this stream; ``fraction_lost`` is 0 to 1."""
        self._advance(now)
        packets, self._reported_packets = self._reported_packets, 0
        if rtt_s is not None:
            self.rtt_s = rtt_s
            self._base_rtt = rtt_s if self._base_rtt is None else min(self._base_rtt, rtt_s)
        if packets >= MIN_PACKETS:
            self.loss = fraction_lost
            if fraction_lost > LOSS_CUT + self._usual_loss:
                self._cut(now, self._sent_bps * (1 - fraction_lost))
            elif self._sent_bps < self._target / 2:
                self._usual_loss += 0.3 * (fraction_lost - self._usual_loss)
        if self._queued_s > QUEUED_S:
            self._cut(now, self._sent_bps)
        elif self._queued_s > CONFIRMING_S and now - self._overuse_at < 2.0 and self._remb is not None:
            self._cut(now, self._remb)

    def on_remb(self, now: float, bits_per_second: int) -> None:
        """The receiver's estimate."""
        self._advance(now)
        before, self._remb = self._remb, bits_per_second
        if before is not None and bits_per_second < 0.97 * before:
            self._overuse_at = now
            if self._queued_s > CONFIRMING_S:
                self._cut(now, bits_per_second)
        elif bits_per_second > self._target:
            self._target = min(float(bits_per_second), START_BPS)

    @property
    def _sent_bps(self) -> float:
        return self._sent_bytes * 8 / WINDOW_S

    @property
    def _queued_s(self) -> float:
        if self.rtt_s is None or self._base_rtt is None:
            return 0.0
        return self.rtt_s - self._base_rtt

    def _cut(self, now: float, carried_bps: float) -> None:
        if now - self._cut_at < CUT_INTERVAL_S + (self.rtt_s or 0.0):
            return
        if self._tried:
            self._quiet_s = min(2 * self._quiet_s, QUIET_MAX_S)
            self._tried = False
        self._cut_at = now
        cut = min(max(carried_bps, DEEPEST_CUT * self._target), SHALLOWEST_CUT * self._target)
        self._target = max(cut, FLOOR_BPS)

    def _advance(self, now: float) -> None:
        while self._sent and self._sent[0][0] <= now - WINDOW_S:
            self._sent_bytes -= self._sent.popleft()[1]
        while self._nacked and self._nacked[0][0] <= now - WINDOW_S:
            self._nacked_packets -= self._nacked.popleft()[1]
        elapsed = min(now - self._updated, 1.0) if self._updated is not None else 0.0
        self._updated = now
        if elapsed <= 0 or self._target >= START_BPS or now - self._cut_at < HOLD_S:
            return
        if now - self._cut_at > self._quiet_s:
            self._tried = True
            self._target *= QUIET_GROWTH**elapsed
        elif self._sent_bps > self._target / 2 and self.loss <= LOSS_GROW + self._usual_loss:
            self._target *= GROWTH**elapsed
        self._target = min(self._target, START_BPS)
