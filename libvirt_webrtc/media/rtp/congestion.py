"""What one viewer's path carries, judged by what comes back over RTCP: pure, without a clock or a socket.

The usual controllers (GCC, draft-ietf-rmcat-gcc; NADA, RFC 8698) begin low and climb while an encoder fills whatever
they allow. A console is the opposite: it is still most of the time, then sends a screenful at once, and more often than
not on a LAN. So where ICE's checks were answered at once, this controller begins high, and lowers its belief (makes a
*cut*) only on evidence of congestion:

* Loss (:mod:`path_loss`), from receiver reports and NACKs, beyond what the path loses anyway: GCC's limits (2%, 10%)
  are counted on top of what was lost while little was sent and nothing was queued, or is still lost after a cut.
  Repeated packets repair the rest.
* Delay (:mod:`path_delay`): round trips well over the shortest seen, for longer than a busy receiver is late.
* A REMB (draft-alvestrand-rmcat-remb) that falls, or comes soon after the start: the receiver saw its packets arrive
  ever later, and names 0.85 of what came through. Delay, or far more sent than that, must confirm it. A REMB that is
  merely low says nothing: receivers begin with what they got in the first seconds, which from a still console is next
  to nothing, and grow it to 1.5 times what they get. So it is the lower bound of a cut.

A path with a longer round trip begins at what most paths out of the building carry, and grows fast until the first
evidence of congestion.

Nothing fills the path on purpose to find out whether it has become better. After a quiet time the belief grows, the
viewer gets a better layer, and if that fails the next quiet time is longer.
"""

from libvirt_webrtc.media.rtp.path_delay import CONFIRMING_S, PathDelay
from libvirt_webrtc.media.rtp.path_loss import PathLoss
from libvirt_webrtc.media.rtp.sent_rate import WINDOW_S, SentRate

START_BPS = 25_000_000
"""What a path is believed to carry until it shows otherwise, and at most, in bits per second: more than the full layer
ever makes."""
FLOOR_BPS = 150_000
"""The least that a path is believed to carry, in bits per second: a caret and a pointer still get through."""

NEAR_S = 0.02
"""The longest round trip of ICE's checks, in seconds, of a path that begins at :data:`START_BPS`: one within a
building."""
FAR_START_BPS = 2_500_000
"""What a longer path begins at, in bits per second: most connections to a home carry that."""
FAR_QUIET_S = 1.5
"""For how many seconds after its begin a longer path must show no congestion before it is believed to carry more."""
FAR_GROWTH = 2.0
"""By what factor a second a longer path's belief grows then, until the first cut."""

DEEPEST_CUT = 0.4
"""What part of the belief one cut leaves at least: a burst on a good path is no proof, two or three in a row are."""
DEEPEST_CUT_OF_MUCH = 0.25
"""The same where no more than :data:`LITTLE_PASSED` of what was sent got through."""
LITTLE_PASSED = 0.6
"""The part of what was sent that gets through any good path."""
MUCH_PASSED = 0.7
"""The part of what was sent above which a path that carries little else is not to blame us for; see :data:`BUSY`."""
BUSY = 0.2
"""What part of the belief must be sent for a queue to be of our making, where more than :data:`MUCH_PASSED` of it got
through."""
SHALLOWEST_CUT = 0.85
"""What part of the belief a cut leaves at most: less would not drain a queue."""
REMB_GROWS = 1.5
"""How many times what they get receivers let their estimate grow to: an estimate divided by this has got through."""
ECHO_S = 0.1
"""For how many seconds after a cut, beside a round trip, what is heard is still of before it."""

HOLD_S = 1.0
"""For how many seconds after a cut the belief does not grow."""
GROWTH = 1.08
"""By what factor a second the belief grows while it is made use of (GCC's)."""
QUIET_S = 5.0
"""For how many seconds there must be no cut until more is believed without being made use of. The time doubles with
each growth of this kind that ends in a cut, up to :data:`QUIET_MAX_S`."""
QUIET_MAX_S = 80.0
QUIET_GROWTH = 1.25
"""By what factor a second the belief grows after the quiet time."""


class CongestionControl:
    """One viewer's path. ``now`` is seconds of any monotonic clock, the same one in every call."""

    def __init__(self) -> None:
        self.useful_bps = START_BPS
        """More than this, in bits per second, is not believed without proof, because nobody would make use of it."""
        self._target = float(START_BPS)
        self._sent = SentRate()
        self._losses = PathLoss()
        self._delay = PathDelay()
        self._updated: float | None = None
        self._began: float | None = None
        self._backlog_s = 0.0
        self._cut_at = float("-inf")
        self._quiet_s = QUIET_S
        self._quiet_growth = QUIET_GROWTH
        self._tried = False
        """The belief has grown after a quiet time, since the last cut."""

    @property
    def loss(self) -> float:
        """The share of packets lost lately, 0 to 1."""
        return self._losses.recent

    @property
    def rtt_s(self) -> float | None:
        """The round trip of the last report that had one; before, of ICE's checks."""
        return self._delay.rtt_s

    @property
    def target_bps(self) -> int:
        """What the path is believed to carry."""
        return int(self._target)

    @property
    def pacing_bps(self) -> int:
        """What the pacer may send at most: a keyframe must not wait on a LAN, nor flood a path known to be slow."""
        return int(self._target * (2.5 if self._target >= START_BPS else 1.5))

    def begin(self, now: float, rtt_s: float) -> None:
        """The shortest round trip of ICE's checks; to be called once, before anything is sent."""
        self._delay.begin(rtt_s)
        if rtt_s > NEAR_S:
            self._target = FAR_START_BPS
            self._cut_at, self._quiet_s, self._quiet_growth = now, FAR_QUIET_S, FAR_GROWTH

    def on_sent(self, now: float, size: int, packets: int = 1) -> None:
        """``packets`` of ``size`` bytes together have left, headers included."""
        self._sent.add(now, size)
        if self._began is None:
            self._began = now
        self._losses.on_sent(now, packets)
        self._advance(now)

    def on_backlog(self, now: float, seconds: float) -> None:
        """What waits in the pacer would take ``seconds`` at its present rate."""
        self._backlog_s = seconds
        self._advance(now)

    def on_nack(self, now: float, packets: int) -> None:
        """The receiver misses ``packets`` of what was sent; each is told once."""
        self._advance(now)
        lost = self._losses.on_nack(now, packets, self._delay.trip_s)
        if lost is not None:
            self._on_loss(now, lost)

    def on_report(self, now: float, *, fraction_lost: float, rtt_s: float | None, jitter_s: float) -> None:
        """A receiver report (RFC 3550, 6.4) about this stream; ``fraction_lost`` is 0 to 1."""
        self._advance(now)
        if rtt_s is not None:
            self._on_rtt(now, rtt_s)
        idle = self._sent.bps < self._target / 2 and self._delay.queue_s < CONFIRMING_S
        lost = self._losses.on_report(now, fraction_lost, idle=idle)
        if lost is not None:
            self._on_loss(now, lost)

    def on_remb(self, now: float, bits_per_second: int) -> None:
        """The receiver's estimate."""
        self._advance(now)
        if self._delay.on_remb(now, bits_per_second, self._began):
            self._confirm(now)

    def limit(self, now: float, bits_per_second: int) -> None:
        """The viewer has shown, in whatever way, that it does not take this much."""
        self._advance(now)
        if self._target >= bits_per_second:
            self._note_cut(now)
            self._target = max(0.9 * bits_per_second, FLOOR_BPS)

    @property
    def _busy(self) -> bool:
        """Whether a queue may be of our making: by more than a part of what was found to pass."""
        return self._target >= START_BPS or self._sent.bps > BUSY * self._target

    def _on_loss(self, now: float, loss: float) -> None:
        """More than usual is lost: too much was sent, unless sending less has not helped."""
        if self._losses.has_outlived_a_cut(loss) and self._delay.queue_s < CONFIRMING_S:
            self._losses.learn(loss)
            self._losses.begin_epoch(now)
        elif self._cut(now, self._sent.bps * (1 - loss)):
            self._losses.cut_for(loss)

    def _on_rtt(self, now: float, rtt_s: float) -> None:
        self._delay.on_rtt(rtt_s)
        self._confirm(now)
        if self._delay.is_queued(now):
            self._cut(now, self._sent.bps)

    def _confirm(self, now: float) -> None:
        if self._delay.confirms_overuse(now, self._sent.bps):
            self._cut(now, self._delay.remb_bps)

    def _cut(self, now: float, carried_bps: float) -> bool:
        """Lower the belief to what was carried, if there is a reason to; whether there was."""
        if self._losses.is_of_before(now):
            return False
        passed = carried_bps / max(self._sent.bps, 1.0)
        if passed > MUCH_PASSED and not self._busy:
            return False
        self._note_cut(now)
        deepest = DEEPEST_CUT if passed > LITTLE_PASSED else DEEPEST_CUT_OF_MUCH
        carried = max(carried_bps, self._delay.remb_bps / REMB_GROWS, deepest * self._target)
        self._target = max(min(carried, SHALLOWEST_CUT * self._target), FLOOR_BPS)
        return True

    def _note_cut(self, now: float) -> None:
        if self._tried:
            lasted = now - self._cut_at > 3 * self._quiet_s
            self._quiet_s = QUIET_S if lasted else min(2 * self._quiet_s, QUIET_MAX_S)
        self._tried = False
        self._quiet_s, self._quiet_growth = max(self._quiet_s, QUIET_S), QUIET_GROWTH
        self._cut_at = now
        self._delay.on_cut()
        self._losses.on_cut(heard_from=now + ECHO_S + self._delay.trip_s)

    def _advance(self, now: float) -> None:
        self._sent.advance(now)
        elapsed = min(now - self._updated, WINDOW_S) if self._updated is not None else 0.0
        self._updated = now
        since_cut = now - self._cut_at
        if elapsed <= 0 or self._target >= START_BPS or since_cut < HOLD_S:
            return
        if since_cut > self._quiet_s and self._target < self.useful_bps:
            self._tried = True
            self._target = min(self._target * self._quiet_growth**elapsed, self.useful_bps)
            return
        used = self._sent.bps > self._target / 2 or self._backlog_s > 0
        if used and self._losses.little:
            self._target = min(self._target * GROWTH**elapsed, START_BPS)
