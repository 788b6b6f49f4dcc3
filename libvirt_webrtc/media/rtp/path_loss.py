"""What a viewer's reports and NACKs tell of loss: how much, and how much of it is the path's own."""

EPOCH_S = 0.15
"""For how many seconds, beside a round trip, packets and NACKs are counted at least before they are compared: NACKs
come later than what they miss was sent."""
EPOCH_MAX_S = 1.0
"""After how many seconds without much loss the counting of NACKs begins anew, so that old packets do not hide new
loss."""
MIN_PACKETS = 60
"""The smallest number of packets that says anything about loss: of 60, on a path that loses 3%, more than 7 are lost
once in thousands of times."""
LOSS_GROW = 0.02
"""The share of packets that may be lost, beside what is usual, while more is sent (GCC's lower limit)."""
LOSS_CUT = 0.10
"""The share of packets whose loss, beside what is usual, is congestion (GCC's upper limit)."""
SAME_LOSS = 0.6
"""What part of the loss that less was sent for must be left afterwards to be the path's own."""
USUAL_LOSS_MAX = 0.25
"""The largest share of packets whose loss is believed to be the path's own."""
LEARNING = 0.3
"""The weight of a new value in the mean of what a path usually loses."""


class PathLoss:
    """Loss on one viewer's path. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self.recent = 0.0
        """The share of packets lost, 0 to 1, as last reported."""
        self._began = False
        self._epoch_at = float("-inf")
        self._epoch_sent = 0
        self._epoch_nacked = 0
        self._unreported = 0
        self._reported = 0
        self._reported_lost = 0.0
        self._usual = 0.0
        self._cut_for = 0.0
        """The loss that less was last sent for; 0 once less is lost."""

    @property
    def little(self) -> bool:
        """Whether so little is lost that more may be sent."""
        return self.recent <= LOSS_GROW + self._usual

    def is_of_before(self, now: float) -> bool:
        """Whether what is heard now is of packets from before the last cut."""
        return now < self._epoch_at

    def on_sent(self, now: float, packets: int) -> None:
        self._unreported += packets
        if not self._began:
            self._began = True
            self._epoch_at = now
        if now >= self._epoch_at:
            self._epoch_sent += packets

    def on_nack(self, now: float, packets: int, trip_s: float) -> float | None:
        """The receiver misses ``packets``, each told once; the share that is lost, if it is more than usual."""
        if now < self._epoch_at:
            return None
        self._epoch_nacked += packets
        counted_s = now - self._epoch_at
        if counted_s < EPOCH_S + trip_s or self._epoch_sent < MIN_PACKETS:
            return None
        lost = min(self._epoch_nacked / self._epoch_sent, 1.0)
        if lost > LOSS_CUT + self._usual:
            return lost
        if counted_s > EPOCH_MAX_S:
            self.begin_epoch(now)
        return None

    def on_report(self, now: float, fraction_lost: float, *, idle: bool) -> float | None:
        """A receiver report; the share that is lost, if it is more than usual.

        Args:
            idle: little is being sent, and nothing waits on the path: then what is lost is the path's own.
        """
        # libwebrtc reports with each NACK: a few packets each time.
        packets, self._unreported = self._unreported, 0
        if now < self._epoch_at:
            return None
        self._reported += packets
        self._reported_lost += packets * fraction_lost
        if self._reported < MIN_PACKETS:
            return None
        self.recent = self._reported_lost / self._reported
        self._reported, self._reported_lost = 0, 0.0
        if self.recent < SAME_LOSS * self._cut_for:
            self._cut_for = 0.0
        if self.recent > LOSS_CUT + self._usual:
            return self.recent
        if idle:
            self.learn(self.recent)
        return None

    def has_outlived_a_cut(self, loss: float) -> bool:
        """Whether sending less has not helped, so that ``loss`` is the path's own."""
        return 0 < SAME_LOSS * self._cut_for <= loss < USUAL_LOSS_MAX

    def learn(self, loss: float) -> None:
        """The path loses this share whatever is sent."""
        self._usual += LEARNING * (loss - self._usual)

    def on_cut(self, heard_from: float) -> None:
        """Less is sent from now on; what is heard before ``heard_from`` is of packets from before."""
        self._reported, self._reported_lost = 0, 0.0
        self.begin_epoch(heard_from)

    def cut_for(self, loss: float) -> None:
        """Less is sent because of this loss."""
        self._cut_for = loss

    def begin_epoch(self, at: float) -> None:
        """Count NACKs anew from ``at`` on."""
        self._epoch_at = at
        self._epoch_sent = self._epoch_nacked = 0
