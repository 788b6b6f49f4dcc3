"""Frame pace, keyframe limit and settling, on a clock that the tests turn."""

import pytest

from libvirt_webrtc.media.encode.frame_scheduler import (
    COALESCE_S,
    FRAME_INTERVAL_S,
    KEYFRAME_INTERVAL_S,
    SETTLE_DELAY_S,
    SMALL_IN_A_ROW,
    Quality,
    Schedule,
)

MAX_BITRATE = 20_000_000
SETTLE_FRAMES = 12
LARGE = 50_000
"""More bytes than half of a frame's share of the bit rate."""


class Lane:
    """Encodes as the schedule says, in no time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.schedule = Schedule(MAX_BITRATE, SETTLE_FRAMES)
        self.qualities: list[Quality] = []

    def run(self, seconds: float, *, packet_size: int = 100) -> list[tuple[float, str]]:
        """The frames, with their kind and time from now on, that become due within ``seconds``."""
        start, end = self.now, self.now + seconds
        made: list[tuple[float, str]] = []
        while (plan := self.schedule.next()) is not None and max(plan.at, self.now) <= end:
            self.now = max(plan.at, self.now)
            self.schedule.begin(plan, self.now)
            self.schedule.finish(plan, size=packet_size, keyframe=plan.keyframe)
            kind = "keyframe" if plan.keyframe else "settle" if plan.settle else "change"
            self.qualities.append(plan.quality)
            made.append((self.now - start, kind))
        self.now = end
        return made

    def kinds(self, seconds: float, *, packet_size: int = 100) -> list[str]:
        return [kind for _, kind in self.run(seconds, packet_size=packet_size)]

    def change(self) -> None:
        self.schedule.change(self.now)


@pytest.fixture
def lane() -> Lane:
    """A lane whose first keyframe is long ago."""
    lane = Lane()
    lane.schedule.request_keyframe()
    lane.run(60)
    return lane


def test_nothing_is_due_without_a_change() -> None:
    assert Schedule(MAX_BITRATE, SETTLE_FRAMES).next() is None


def test_first_keyframe_is_due_at_once() -> None:
    lane = Lane()
    lane.schedule.request_keyframe()
    assert lane.run(0) == [(0.0, "keyframe")]


def test_change_is_encoded_at_once_and_settles_once(lane: Lane) -> None:
    lane.change()
    (first, change), (second, settle) = lane.run(60)
    assert (change, settle) == ("change", "settle")
    assert first == pytest.approx(COALESCE_S)
    assert second == pytest.approx(COALESCE_S + SETTLE_DELAY_S)


def test_settling_goes_on_while_it_improves_and_then_ends(lane: Lane) -> None:
    lane.change()
    assert lane.kinds(60, packet_size=LARGE) == ["change"] + ["settle"] * SETTLE_FRAMES
    assert lane.schedule.next() is None


def test_small_change_is_refined_in_one_step(lane: Lane) -> None:
    lane.qualities.clear()
    lane.change()
    lane.run(60)
    assert lane.qualities == [Quality.MOTION, Quality.FINE]


def test_large_change_is_refined_in_two_steps(lane: Lane) -> None:
    lane.qualities.clear()
    lane.change()
    lane.run(SETTLE_DELAY_S / 2, packet_size=LARGE)
    lane.run(60)
    assert lane.qualities == [Quality.MOTION, Quality.BETTER] + [Quality.FINE] * SMALL_IN_A_ROW


def test_many_small_changes_are_a_large_one(lane: Lane) -> None:
    lane.qualities.clear()
    for _ in range(300):
        lane.change()
        lane.run(1 / 30)
    lane.run(60)
    assert lane.qualities[-1 - SMALL_IN_A_ROW :] == [Quality.BETTER] + [Quality.FINE] * SMALL_IN_A_ROW


def test_caret_does_not_refine_the_rest_again(lane: Lane) -> None:
    lane.change()
    lane.run(60, packet_size=LARGE)
    lane.qualities.clear()
    for _ in range(300):
        lane.change()
        lane.run(0.5)
    assert lane.qualities == [Quality.MOTION, Quality.FINE] * 300


def test_change_while_settling_starts_over(lane: Lane) -> None:
    lane.change()
    lane.run(SETTLE_DELAY_S + 0.05, packet_size=LARGE)
    lane.change()
    assert lane.kinds(60, packet_size=LARGE) == ["change"] + ["settle"] * SETTLE_FRAMES


def test_constant_changes_keep_to_the_frame_rate(lane: Lane) -> None:
    times = []
    for _ in range(1000):
        lane.change()
        start = lane.now
        times += [start + at for at, _ in lane.run(0.001)]
    assert len(times) == pytest.approx(1 / FRAME_INTERVAL_S, abs=2)
    # Two at once, and then in turn.
    assert all(at - times[0] >= (turn - 1) * FRAME_INTERVAL_S - 1e-9 for turn, at in enumerate(times))


def test_a_change_between_the_frames_of_something_slow_does_not_wait(lane: Lane) -> None:
    lane.change()
    lane.run(2 * FRAME_INTERVAL_S)
    lane.change()
    lane.run(COALESCE_S)
    lane.change()
    assert lane.kinds(COALESCE_S) == ["change"]


def test_keyframe_requests_are_limited_and_the_last_is_served_once(lane: Lane) -> None:
    lane.schedule.request_keyframe()
    assert lane.kinds(0.05) == ["keyframe"]
    for _ in range(3):
        lane.schedule.request_keyframe()
    frames = lane.run(60)
    keyframes = [at for at, kind in frames if kind == "keyframe"]
    assert keyframes == [pytest.approx(KEYFRAME_INTERVAL_S - 0.05)]


def test_changes_are_not_held_up_by_a_limited_keyframe(lane: Lane) -> None:
    lane.schedule.request_keyframe()
    lane.run(0.05)
    lane.schedule.request_keyframe()
    lane.change()
    assert lane.kinds(0.05) == ["change"]


def test_keyframe_is_followed_by_a_settle_frame(lane: Lane) -> None:
    lane.schedule.request_keyframe()
    assert lane.kinds(60) == ["keyframe", "settle"]


def test_keyframe_made_for_another_reason_serves_the_request(lane: Lane) -> None:
    lane.change()
    lane.schedule.request_keyframe()
    plan = lane.schedule.next()
    assert plan is not None
    lane.schedule.begin(plan, lane.now)
    lane.schedule.finish(plan, size=1, keyframe=True)
    assert "keyframe" not in lane.kinds(60)
