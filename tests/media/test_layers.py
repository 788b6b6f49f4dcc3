"""Which layer a viewer gets, and how many keyframes."""

from libvirt_webrtc.media.formats import FULL, HALF, REDUCED
from libvirt_webrtc.media.layers import KEYFRAMES_AT_ONCE, KeyframeAllowance, LayerChoice
from libvirt_webrtc.media.rtp.congestion import START_BPS


def test_layers_go_down_at_once_and_up_one_by_one() -> None:
    choice = LayerChoice()
    assert choice.update(0.0, 200_000) is HALF
    assert choice.reason == "the connection carries about 0.2 Mbit/s"
    assert choice.update(0.1, START_BPS) is HALF
    assert choice.update(3.0, START_BPS) is REDUCED
    assert choice.update(3.1, START_BPS) is REDUCED
    assert choice.update(6.0, START_BPS) is FULL
    assert choice.reason == "full quality"


def test_layer_does_not_flap_at_its_limit() -> None:
    choice = LayerChoice()
    choice.update(0.0, FULL.needs_bps - 1)
    around = (FULL.needs_bps + (100_000 if n % 2 else -100_000) for n in range(20))
    assert {choice.update(10.0 * n, target) for n, target in enumerate(around, 1)} == {REDUCED}


def test_keyframes_run_out_and_come_back() -> None:
    allowance = KeyframeAllowance()
    assert sum(allowance.take(0.0) for _ in range(100)) == KEYFRAMES_AT_ONCE
    assert not allowance.take(1.0)
    assert allowance.take(3.0)
