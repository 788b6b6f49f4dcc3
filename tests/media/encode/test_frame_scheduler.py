"""Frame pace, keyframe limit and settling, on a clock that the tests turn."""

import pytest

from libvirt_webrtc.media.encode.frame_scheduler import (
    COALESCE_S,
    FRAME_INTERVAL_S,
    KEYFRAME_INTERVAL_S,
    SETTLE_DELAY_S,
    FrameScheduler,
    Quality,
)
from libvirt_webrtc.media.encode.settling import Settling

MAX_BITRATE = 20_000_000
SETTLING = Settling(frames=12, interval_s=1 / 30, small_in_a_row=3)
LARGE = 50_000
"""More bytes than half of a frame's share of the bit rate."""


class Rendition:
    """Encodes as the schedule says, in no time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.scheduler = FrameScheduler(MAX_BITRATE, SETTLING)
        self.qualities: list[Quality] = []

    def run(self, seconds: float, *, packet_size: int = 100) -> list[tuple[float, str]]:
        """The frames, with their kind and time from now on, that become due within ``seconds``."""
        start, end = self.now, self.now + seconds
        made: list[tuple[float, str]] = []
        while (plan := self.scheduler.next()) is not None and max(plan.at, self.now) <= end:
            self.now = max(plan.at, self.now)
            self.scheduler.begin(plan, self.now)
            self.scheduler.finish(plan, size=packet_size, keyframe=plan.keyframe)
            kind = "keyframe" if plan.keyframe else "settle" if plan.settle else "change"
            self.qualities.append(plan.quality)
            made.append((self.now - start, kind))
        self.now = end
        return made

    def kinds(self, seconds: float, *, packet_size: int = 100) -> list[str]:
        return [kind for _, kind in self.run(seconds, packet_size=packet_size)]

    def change(self) -> None:
        self.scheduler.change(self.now)


@pytest.fixture
def rendition() -> Rendition:
    """A rendition whose first keyframe is long ago."""
    rendition = Rendition()
    rendition.scheduler.request_keyframe()
    rendition.run(60)
    return rendition


def test_nothing_is_due_without_a_change() -> None:
    assert FrameScheduler(MAX_BITRATE, SETTLING).next() is None


def test_first_keyframe_is_due_at_once() -> None:
    rendition = Rendition()
    rendition.scheduler.request_keyframe()
    assert rendition.run(0) == [(0.0, "keyframe")]


def test_change_is_encoded_at_once_and_settles_once(rendition: Rendition) -> None:
    rendition.change()
    (first, change), (second, settle) = rendition.run(60)
    assert (change, settle) == ("change", "settle")
    assert first == pytest.approx(COALESCE_S)
    assert second == pytest.approx(COALESCE_S + SETTLE_DELAY_S)


def test_settling_goes_on_while_it_improves_and_then_ends(rendition: Rendition) -> None:
    rendition.change()
    assert rendition.kinds(60, packet_size=LARGE) == ["change"] + ["settle"] * SETTLING.frames
    assert rendition.scheduler.next() is None


def test_small_change_is_refined_in_one_step(rendition: Rendition) -> None:
    rendition.qualities.clear()
    rendition.change()
    rendition.run(60)
    assert rendition.qualities == [Quality.MOTION, Quality.FINE]


def test_large_change_is_refined_in_two_steps(rendition: Rendition) -> None:
    rendition.qualities.clear()
    rendition.change()
    rendition.run(SETTLE_DELAY_S / 2, packet_size=LARGE)
    rendition.run(60)
    assert rendition.qualities == [Quality.MOTION, Quality.BETTER] + [Quality.FINE] * SETTLING.small_in_a_row


def test_many_small_changes_are_a_large_one(rendition: Rendition) -> None:
    rendition.qualities.clear()
    for _ in range(300):
        rendition.change()
        rendition.run(1 / 30)
    rendition.run(60)
    assert (
        rendition.qualities[-1 - SETTLING.small_in_a_row :]
        == [Quality.BETTER] + [Quality.FINE] * SETTLING.small_in_a_row
    )


def test_caret_does_not_refine_the_rest_again(rendition: Rendition) -> None:
    rendition.change()
    rendition.run(60, packet_size=LARGE)
    rendition.qualities.clear()
    for _ in range(300):
        rendition.change()
        rendition.run(0.5)
    assert rendition.qualities == [Quality.MOTION, Quality.FINE] * 300


def test_change_while_settling_starts_over(rendition: Rendition) -> None:
    rendition.change()
    rendition.run(SETTLE_DELAY_S + 0.05, packet_size=LARGE)
    rendition.change()
    assert rendition.kinds(60, packet_size=LARGE) == ["change"] + ["settle"] * SETTLING.frames


def test_constant_changes_keep_to_the_frame_rate(rendition: Rendition) -> None:
    times = []
    for _ in range(1000):
        rendition.change()
        start = rendition.now
        times += [start + at for at, _ in rendition.run(0.001)]
    assert len(times) == pytest.approx(1 / FRAME_INTERVAL_S, abs=2)
    # Two at once, and then in turn.
    assert all(at - times[0] >= (turn - 1) * FRAME_INTERVAL_S - 1e-9 for turn, at in enumerate(times))


def test_a_change_between_the_frames_of_something_slow_does_not_wait(rendition: Rendition) -> None:
    rendition.change()
    rendition.run(2 * FRAME_INTERVAL_S)
    rendition.change()
    rendition.run(COALESCE_S)
    rendition.change()
    assert rendition.kinds(COALESCE_S) == ["change"]


def test_keyframe_requests_are_limited_and_the_last_is_served_once(rendition: Rendition) -> None:
    rendition.scheduler.request_keyframe()
    assert rendition.kinds(0.05) == ["keyframe"]
    for _ in range(3):
        rendition.scheduler.request_keyframe()
    frames = rendition.run(60)
    keyframes = [at for at, kind in frames if kind == "keyframe"]
    assert keyframes == [pytest.approx(KEYFRAME_INTERVAL_S - 0.05)]


def test_changes_are_not_held_up_by_a_limited_keyframe(rendition: Rendition) -> None:
    rendition.scheduler.request_keyframe()
    rendition.run(0.05)
    rendition.scheduler.request_keyframe()
    rendition.change()
    assert rendition.kinds(0.05) == ["change"]


def test_keyframe_is_followed_by_a_settle_frame(rendition: Rendition) -> None:
    rendition.scheduler.request_keyframe()
    assert rendition.kinds(60) == ["keyframe", "settle"]


def test_keyframe_made_for_another_reason_serves_the_request(rendition: Rendition) -> None:
    rendition.change()
    rendition.scheduler.request_keyframe()
    plan = rendition.scheduler.next()
    assert plan is not None
    rendition.scheduler.begin(plan, rendition.now)
    rendition.scheduler.finish(plan, size=1, keyframe=True)
    assert "keyframe" not in rendition.kinds(60)
