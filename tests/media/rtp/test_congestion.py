"""The congestion control, with the layer choice that follows it, on simulated paths."""

import pytest

from libvirt_webrtc.media.formats import FULL, HALF, REDUCED
from libvirt_webrtc.media.rtp.congestion import FAR_START_BPS, FLOOR_BPS, START_BPS, CongestionControl
from tests.media.simulated_path import Path, Simulation


def typing(now: float) -> float:
    """A caret and a few letters; nothing in between."""
    return 0.02 if now % 3 < 0.5 else 0.0


def bursts(now: float) -> float:
    """A second of scrolling every six."""
    return 1.0 if now % 6 < 1 else 0.0


@pytest.mark.parametrize("activity", [lambda now: 1.0, typing, bursts])
@pytest.mark.parametrize("sends_remb", [True, False])
def test_lan_stays_at_full_quality(activity, sends_remb) -> None:  # type: ignore[no-untyped-def]  # lambdas
    lan = Simulation(Path(queue_bytes=500_000), activity, sends_remb=sends_remb).run(60)
    assert lan.switches == 0 and lan.control.target_bps == START_BPS
    assert lan.choice.reason == "full quality"


@pytest.mark.parametrize("sends_remb", [True, False])
@pytest.mark.parametrize("queue_bytes", [30_000, 60_000, 300_000])
def test_bottleneck_is_found_within_two_seconds_and_kept(queue_bytes: int, sends_remb: bool) -> None:
    slow = Simulation(Path(4e6, 0.05, queue_bytes=queue_bytes), sends_remb=sends_remb).run(60)
    # A deep queue without an estimate from the receiver only shows in the time between reports.
    assert slow.layer_at(2.5 if sends_remb or queue_bytes < 100_000 else 6) is not FULL
    assert slow.layer_at(10) is not FULL
    in_full = sum(
        min(until, 60) - since
        for (since, layer), (until, _) in zip(slow.layers, [*slow.layers[1:], (60, FULL)], strict=True)
        if layer is FULL
    )
    assert in_full < 8, slow.layers
    assert slow.switches < 14, slow.layers


def test_narrower_paths_get_cheaper_layers() -> None:
    for rate_bps, layers in ((12e6, {FULL}), (4e6, {REDUCED}), (0.7e6, {HALF})):
        path = Simulation(Path(rate_bps, 0.02)).run(12)
        assert path.layer_at(6) in layers, (rate_bps, path.layers)


@pytest.mark.parametrize("loss", [0.01, 0.03, 0.06])
@pytest.mark.parametrize("activity", [lambda now: 1.0, typing, bursts])
def test_random_loss_is_repaired_and_not_taken_for_congestion(loss, activity) -> None:  # type: ignore[no-untyped-def]  # lambdas
    lossy = Simulation(Path(100e6, 0.075, loss=loss, queue_bytes=500_000), activity).run(60)
    assert [layer for _, layer in lossy.layers] == [REDUCED, FULL]


def test_heavy_random_loss_is_seen_not_to_be_of_our_making() -> None:
    lossy = Simulation(Path(100e6, 0.05, loss=0.10, queue_bytes=500_000)).run(60)
    assert lossy.layer_at(60) is FULL
    assert lossy.control.target_bps > 10 * FLOOR_BPS


def test_loss_that_a_cut_has_ended_is_cut_for_again_when_it_comes_back() -> None:
    control, now = CongestionControl(), 0.0

    def pass_with(loss: float, seconds: int) -> int:
        nonlocal now
        for _ in range(seconds):
            now += 1
            control.on_sent(now, 1_000_000, 800)
            control.on_report(now + 0.5, fraction_lost=loss, rtt_s=0.05, jitter_s=0.0)
        return control.target_bps

    assert pass_with(0.2, 1) < START_BPS
    before = pass_with(0.0, 120)
    assert before == START_BPS
    assert pass_with(0.2, 3) < before, "no path's own loss comes and goes like that"


def test_far_viewer_begins_with_what_most_paths_carry_and_is_soon_at_full_quality() -> None:
    far = Simulation(Path(50e6, 0.03)).run(6)
    assert [layer for _, layer in far.layers] == [REDUCED, FULL]
    assert far.layer_at(5) is FULL and far.choice.reason == "full quality"


def test_nothing_is_cut_while_a_far_and_narrow_path_is_begun_with() -> None:
    path = Simulation(Path(4e6, 0.05))
    path.run(1.4)
    assert path.control.target_bps >= FAR_START_BPS and path.control.loss == 0


def test_round_trip_of_the_checks_is_the_first_one() -> None:
    for rtt_s, target_bps in ((0.001, START_BPS), (0.1, FAR_START_BPS)):
        control = CongestionControl()
        control.begin(0.0, rtt_s)
        assert control.rtt_s == rtt_s and control.target_bps == target_bps


def test_path_that_becomes_wide_again_is_found_out() -> None:
    path = Path(3e6, 0.05)
    viewer = Simulation(path).run(20)
    assert viewer.layer_at(20) is not FULL
    path.rate_bps = 1e9
    viewer.run(60)
    assert viewer.layer_at(140) is FULL


def test_still_console_comes_back_without_traffic() -> None:
    viewer = Simulation(Path(3e6, 0.02), lambda now: float(now < 5)).run(10)
    assert viewer.layer_at(5) is not FULL
    viewer.path.rate_bps = 1e9
    viewer.run(60)
    assert viewer.layer_at(70) is FULL


def test_failed_tries_become_rarer() -> None:
    viewer = Simulation(Path(3e6, 0.05)).run(300)
    tries = [since for since, layer in viewer.layers[1:] if layer is FULL]
    assert 2 <= len(tries) <= 7, tries


def test_outage_is_survived() -> None:
    path = Path(100e6, 0.02, queue_bytes=500_000)
    viewer = Simulation(path).run(10)
    path.cut = True
    viewer.run(3)
    path.cut = False
    viewer.run(40)
    assert viewer.layer_at(53) is FULL
    assert viewer.control.target_bps > FULL.needs_bps


def test_low_estimate_of_a_still_console_means_nothing() -> None:
    control = CongestionControl()
    for second in range(100):
        control.on_sent(second, 300)
        control.on_report(second, fraction_lost=0.0, rtt_s=0.03, jitter_s=0.0)
        control.on_remb(second, 20_000)
    assert control.target_bps == START_BPS


def test_few_packets_say_nothing_about_loss() -> None:
    control = CongestionControl()
    for second in range(100):
        control.on_sent(second, 300)
        control.on_nack(second, second % 40 == 0)
        control.on_report(second, fraction_lost=float(second % 40 == 0), rtt_s=0.03, jitter_s=0.0)
    assert control.target_bps == START_BPS


def test_pace_lets_a_keyframe_by_on_a_good_path_and_holds_it_back_on_a_slow_one() -> None:
    control = CongestionControl()
    assert 150_000 * 8 / control.pacing_bps < 0.03
    control.limit(0.0, 2_000_000)
    assert control.target_bps < control.pacing_bps < 4_000_000


def test_limit_never_raises() -> None:
    control = CongestionControl()
    control.limit(0.0, 1_000_000)
    control.limit(1.0, 5_000_000)
    assert control.target_bps <= 1_000_000
