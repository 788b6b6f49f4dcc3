"""The bucket, with frames of sizes that are made up."""

from collections.abc import Iterator

import pytest

from libvirt_webrtc.media.encode.rate import KEYFRAME_S, STEPS_TO_HALVE, Kind, RateControl
from libvirt_webrtc.media.formats import FULL

BITRATE, BURST_S = 8_000_000, 2.0
CAPACITY = 2_000_000
FPS = 60
WANTED, COARSEST = 23, 42


def sizes(rate: RateControl, kind: Kind, macroblocks: int, density: float, frames: int) -> Iterator[int]:
    """Frames whose macroblocks need ``density`` bytes each at quantizer 0."""
    for number in range(frames):
        quantizer = rate.quantizer(kind, WANTED, macroblocks, number / FPS)
        size = int(macroblocks * density / 2 ** (quantizer / STEPS_TO_HALVE))
        rate.encoded(kind, quantizer, macroblocks, size)
        yield size


@pytest.mark.parametrize("kind", Kind)
def test_what_is_wanted_is_given_while_there_is_room(kind: Kind) -> None:
    rate = RateControl(FULL.max_bitrate, FULL.burst_s, COARSEST)
    assert rate.quantizer(kind, WANTED, 8000, 0.0) == WANTED


@pytest.mark.parametrize("bit_rate", [4_000_000, 20_000_000])
def test_keyframe_takes_a_short_time_on_a_path_that_just_carries_the_stream(bit_rate: int) -> None:
    rate = RateControl(bit_rate, BURST_S, COARSEST)
    rate.encoded(Kind.KEYFRAME, 0, 8000, 0)
    rate.encoded(Kind.KEYFRAME, 20, 8000, 500_000)
    (size,) = sizes(rate, Kind.KEYFRAME, 8000, 500_000 / 8000 * 2 ** (20 / STEPS_TO_HALVE), 1)
    assert size * 8 <= KEYFRAME_S * bit_rate


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("density", [30.0, 100.0, 250.0])
def test_the_bit_rate_is_kept(kind: Kind, density: float) -> None:
    """Whatever the frames turn out to need, and whatever was thought that they would."""
    rate = RateControl(BITRATE, BURST_S, COARSEST)
    made = list(sizes(rate, kind, 8000, density, 10 * FPS))
    surprise = made[0]
    assert sum(made) <= surprise + CAPACITY + 10 * BITRATE / 8
    assert sum(made[-FPS:]) <= 1.05 * BITRATE / 8


def test_a_quiet_time_makes_room_again() -> None:
    rate = RateControl(BITRATE, BURST_S, COARSEST)
    busy = list(sizes(rate, Kind.MOTION, 8000, 250.0, 4 * FPS))
    later = rate.quantizer(Kind.MOTION, WANTED, 8000, 4 + BURST_S)
    assert later < COARSEST and 8000 * 250 / 2 ** (later / STEPS_TO_HALVE) > 2 * busy[-1]


def test_much_more_motion_is_judged_by_the_last_keyframe() -> None:
    rate = RateControl(BITRATE, BURST_S, COARSEST)
    rate.encoded(Kind.KEYFRAME, 0, 8000, CAPACITY)  # 250 bytes for each, and the bucket is empty
    rate.encoded(Kind.MOTION, 0, 4, 8)
    assert rate.quantizer(Kind.MOTION, WANTED, 4, 0.1) == WANTED
    assert rate.quantizer(Kind.MOTION, WANTED, 8000, 0.1) > WANTED


def test_nothing_to_encode_needs_nothing() -> None:
    rate = RateControl(BITRATE, BURST_S, COARSEST)
    rate.encoded(Kind.KEYFRAME, 20, 8000, 2 * CAPACITY)
    assert rate.quantizer(Kind.REFINEMENT, 4, 0, 0.0) == 4
