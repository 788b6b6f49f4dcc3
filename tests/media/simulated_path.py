"""A viewer's path, simulated: a bottleneck with a queue, random loss, RTCP as libwebrtc sends it. No clock, no chance.

What runs is the real congestion control and layer choice; sender, network and receiver are a few lines each.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from libvirt_webrtc.media.formats import FULL, HALF, REDUCED, Layer
from libvirt_webrtc.media.layers import LayerChoice
from libvirt_webrtc.media.rtp.congestion import CongestionControl
from libvirt_webrtc.media.rtp.pacer import BURST_BYTES

TICK_S = 0.01
PACKET_BYTES = 1200
REPORT_INTERVAL_S = 1.0
OVERUSED_S = 0.05
"""A receiver that sees its packets this late tells so in a REMB."""

SCROLLING = {FULL: 8_000_000, REDUCED: 2_000_000, HALF: 500_000}
"""Bits per second of a scrolling terminal."""
KEYFRAME_BYTES = {FULL: 150_000, REDUCED: 80_000, HALF: 30_000}


@dataclass
class Path:
    """The network; its attributes may be changed on the way."""

    rate_bps: float = 1e9
    delay_s: float = 0.0005
    loss: float = 0.0
    queue_bytes: int = 60_000
    cut: bool = False


class Simulation:
    """One viewer on ``path``, whose guest scrolls with ``activity(now)`` between 0 and 1."""

    def __init__(
        self, path: Path, activity: Callable[[float], float] = lambda now: 1.0, *, sends_remb: bool = True
    ) -> None:
        self.path = path
        self.control = CongestionControl()
        self.control.begin(0.0, 2 * path.delay_s)
        self.choice = LayerChoice()
        self.now = 0.0
        self.layers: list[tuple[float, Layer]] = []
        """From when on which layer was shown."""
        self.delivered_bytes = 0
        self._activity = activity
        self._sends_remb = sends_remb
        self._random = random.Random(7)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._free_at = 0.0
        self._waiting_bytes = 0.0
        self._tokens = 0.0
        self._expected = self._lost = 0
        self._arrived: deque[float] = deque()
        self._remb = 0.0
        self._at(REPORT_INTERVAL_S, self._report)

    def run(self, seconds: float) -> "Simulation":
        end = self.now + seconds
        while self.now < end:
            self.now += TICK_S
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
            self._encode()
            self._pace()
        return self

    def layer_at(self, when: float) -> Layer:
        return [layer for since, layer in self.layers if since <= when][-1]

    @property
    def switches(self) -> int:
        return len(self.layers) - 1

    def _at(self, when: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), do))

    def _encode(self) -> None:
        layer = self.choice.update(self.now, self.control.target_bps)
        self.control.useful_bps = self.choice.next_needs_bps
        if not self.layers or layer is not self.layers[-1][1]:
            self.layers.append((self.now, layer))
            # What is of the old layer and has not left is dropped.
            self._waiting_bytes = KEYFRAME_BYTES[layer]
        self._waiting_bytes += SCROLLING[layer] * self._activity(self.now) * TICK_S / 8

    def _pace(self) -> None:
        earned = self.control.pacing_bps * TICK_S / 8
        self._tokens = min(self._tokens + earned, max(earned, BURST_BYTES))
        while self._waiting_bytes >= PACKET_BYTES and self._tokens >= PACKET_BYTES:
            self._waiting_bytes -= PACKET_BYTES
            self._tokens -= PACKET_BYTES
            self._expected += 1
            self._send(repeated=False)
        self.control.on_backlog(
            self.now, max(self._waiting_bytes - PACKET_BYTES, 0) * 8 / self.control.pacing_bps
        )

    def _send(self, *, repeated: bool) -> None:
        path = self.path
        self.control.on_sent(self.now, PACKET_BYTES)
        begin = max(self.now, self._free_at)
        queued_s = begin - self.now
        dropped = path.cut or queued_s * path.rate_bps / 8 > path.queue_bytes
        if not dropped:
            self._free_at = begin + PACKET_BYTES * 8 / path.rate_bps
            dropped = self._random.random() < path.loss
        there = max(self._free_at, self.now) + path.delay_s
        if not dropped:
            self._at(there, lambda: self._arrive(queued_s))
        elif not repeated:
            self._at(there, self._miss)

    def _arrive(self, queued_s: float) -> None:
        self.delivered_bytes += PACKET_BYTES
        self._arrived.append(self.now)
        if queued_s < OVERUSED_S or not self._sends_remb:
            return
        carried = self._carried_bps(0.25)
        if not self._remb or 0.85 * carried < 0.97 * self._remb:
            self._remb = 0.85 * carried
            self._tell_remb()

    def _carried_bps(self, window_s: float) -> float:
        while self._arrived and self._arrived[0] <= self.now - 1:
            self._arrived.popleft()
        arrived = [at for at in self._arrived if at > self.now - window_s]
        return len(arrived) * PACKET_BYTES * 8 / max(self.now - arrived[0], TICK_S) if arrived else 0.0

    def _miss(self) -> None:
        self._lost += 1
        if not self.path.cut:
            self._at(self.now + self.path.delay_s, self._repeat)

    def _repeat(self) -> None:
        self.control.on_nack(self.now, 1)
        if self._tokens < 0:
            return
        self._tokens -= PACKET_BYTES
        self._send(repeated=True)

    def _report(self) -> None:
        self._at(self.now + REPORT_INTERVAL_S, self._report)
        if self.path.cut:
            return
        fraction = self._lost / self._expected if self._expected else 0.0
        self._expected = self._lost = 0
        queued_s = max(self._free_at - self.now, 0)
        rtt_s = 2 * self.path.delay_s + queued_s
        self._at(
            self.now + self.path.delay_s,
            lambda: self.control.on_report(
                self.now, fraction_lost=min(fraction, 1.0), rtt_s=rtt_s, jitter_s=0.0
            ),
        )
        carried = self._carried_bps(1.0)
        if self._remb:
            self._remb = max(self._remb, min(1.08 * self._remb, 1.5 * carried))
        elif self.now > 5 and carried:
            self._remb = carried
        self._tell_remb()

    def _tell_remb(self) -> None:
        if self._sends_remb and self._remb:
            value = int(self._remb)
            self._at(self.now + self.path.delay_s, lambda: self.control.on_remb(self.now, value))
