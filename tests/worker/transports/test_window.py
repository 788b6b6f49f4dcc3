"""How much of a stream's pictures is under way."""

import pytest

from libvirt_webrtc.errors import ViewerProtocolError
from libvirt_webrtc.worker.transports.window import (
    LEAST_BYTES,
    MESSAGE_BYTES,
    QUEUE_S,
    START_BYTES,
    SendWindow,
)

PART = 16 * 1024
MUCH_BPS = 1_000_000_000


class Path:
    """A path of so many bytes a second with a queue without an end, and a sender that always has more to send."""

    def __init__(self, bytes_per_s: float, rtt_s: float) -> None:
        self.window = SendWindow()
        self.window.on_round_trip(rtt_s)
        self.now = self.free_at = 0.0
        self.target_bps = MUCH_BPS
        self.carried: list[int] = []
        self.longest_s = 0.0
        self._rate, self._rtt_s = bytes_per_s, rtt_s
        self._under_way: list[tuple[float, float, int]] = []
        self._sent = 0

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            began = self.now
            while not self.window.has_room(self.target_bps):
                sent_at, arrives, count = self._under_way.pop(0)
                self.now = max(self.now, arrives)
                self.longest_s = max(self.longest_s, self.now - sent_at)
                self.window.on_received(self.now, count)
            if (carried := self.window.on_wait(began, self.now)) is not None:
                self.carried.append(carried)
            self.window.on_sent(self.now, PART)
            self._sent += PART
            self.free_at = max(self.free_at, self.now) + PART / self._rate
            self._under_way.append((self.now, self.free_at + self._rtt_s, self._sent % 2**32))


def test_a_sender_that_is_never_answered_sends_what_is_allowed_at_first() -> None:
    window = SendWindow()
    window.on_round_trip(0.001)
    while window.has_room(MUCH_BPS):
        window.on_sent(1.0, PART)
    assert window.pictures == START_BYTES


def test_a_fast_path_is_filled() -> None:
    path = Path(bytes_per_s=12_500_000, rtt_s=0.04)
    path.run(3)
    assert path.window.pictures >= 12_500_000 * 0.04


def test_what_a_slow_path_carries_is_found_out_and_kept_to() -> None:
    path = Path(bytes_per_s=125_000, rtt_s=0.03)
    path.run(2)
    assert path.carried and all(0.85e6 < carried < 1.15e6 for carried in path.carried)
    path.target_bps, path.longest_s = path.carried[-1], 0.0
    path.run(2)
    path.longest_s = 0.0
    path.run(5)
    least_s = LEAST_BYTES / 125_000
    assert path.longest_s <= 0.03 + max(QUEUE_S, least_s) + PART / 125_000 + 0.01


def test_messages_and_pictures_leave_each_other_room() -> None:
    window = SendWindow()
    while window.has_room(MUCH_BPS):
        window.on_sent(1.0, PART)
    assert window.messages == 0
    window.on_message(1.0, 10)
    window.on_message(1.0, PART)
    assert (window.pictures, window.messages) == (START_BYTES, PART + MESSAGE_BYTES)
    window.on_received(2.0, START_BYTES)
    assert (window.pictures, window.messages) == (0, PART + MESSAGE_BYTES)
    window.on_received(2.0, START_BYTES + 10 + PART)
    assert window.messages == 0


def test_waiting_now_and_then_tells_nothing() -> None:
    window = SendWindow()
    for turn in range(100):
        assert window.on_wait(turn * 0.1, turn * 0.1 + 0.02) is None


def test_the_count_wraps() -> None:
    window = SendWindow()
    for turn in range(2**32 // (1 << 30) + 2):
        window.on_sent(turn, 1 << 30)
        window.on_received(turn + 0.5, (turn + 1 << 30) % 2**32)
    assert window.pictures == 0


@pytest.mark.parametrize("count", [PART + 1, 2**32 - 1])
def test_more_than_was_sent_is_refused(count: int) -> None:
    window = SendWindow()
    window.on_sent(0, PART)
    window.on_received(1, 100)
    with pytest.raises(ViewerProtocolError):
        window.on_received(1, count)
    with pytest.raises(ViewerProtocolError):
        window.on_received(1, 99)
