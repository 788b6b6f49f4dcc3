"""The token bucket, with a clock of its own."""

import pytest

from libvirt_webrtc.media.rtp.pacer import BURST_BYTES, BURST_S, TICK_S, Pacer

PACKET = 1_200


def drained(pacer: Pacer) -> int:
    """Bytes that leave until no packet may."""
    taken = 0
    while pacer.take(PACKET):
        taken += PACKET
    return taken


def test_small_frame_leaves_at_once() -> None:
    pacer = Pacer(0.0)
    pacer.refill(0.0, 150_000)
    assert drained(pacer) == BURST_BYTES


def test_pause_is_no_credit_beyond_a_burst() -> None:
    pacer = Pacer(0.0)
    pacer.refill(3_600.0, 1_000_000)
    assert drained(pacer) == BURST_BYTES


@pytest.mark.parametrize("bits_per_second", [150_000, 1_000_000, 10_000_000, 60_000_000])
def test_no_more_leaves_than_rate_and_burst_allow(bits_per_second: int) -> None:
    pacer, now, total = Pacer(0.0), 0.0, 0
    burst = max(BURST_BYTES, bits_per_second / 8 * BURST_S)
    while total < 400_000:
        pacer.refill(now, bits_per_second)
        total += drained(pacer)
        assert total <= burst + now * bits_per_second / 8 + 1
        now += pacer.wait_s()
    # Nor much less: a keyframe is not held up by rounding.
    assert total >= 0.9 * now * bits_per_second / 8


@pytest.mark.parametrize("bits_per_second", [150_000, 60_000_000])
def test_wait_ends_with_room_for_a_packet_and_is_no_fine_timer(bits_per_second: int) -> None:
    pacer = Pacer(0.0)
    pacer.refill(0.0, bits_per_second)
    drained(pacer)
    wait = pacer.wait_s()
    assert wait >= TICK_S
    pacer.refill(wait, bits_per_second)
    assert pacer.take(PACKET)


def test_late_wake_up_is_made_up_for() -> None:
    pacer = Pacer(0.0)
    pacer.refill(0.0, 60_000_000)
    drained(pacer)
    pacer.refill(BURST_S, 60_000_000)
    assert drained(pacer) >= 60_000_000 / 8 * BURST_S - PACKET


def test_what_does_not_wait_delays_the_rest() -> None:
    pacer = Pacer(0.0)
    pacer.refill(0.0, 1_000_000)
    pacer.spend(2 * BURST_BYTES)
    assert not pacer.take(PACKET)
    assert pacer.drain_s(1_000) == pytest.approx((1_000 + BURST_BYTES) * 8 / 1_000_000)
