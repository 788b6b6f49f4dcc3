"""When tokens and links end, whatever is done to the clocks."""

import pytest

from libvirt_webrtc.portal.issued.lifetime import Clocks, Lifetime
from tests.portal.issued.clocks import NOON, SetClocks


@pytest.mark.parametrize("jump", [-7200.0, 0.0, 7200.0])
def test_setting_the_time_of_day_neither_lengthens_nor_shortens_a_life(jump: float) -> None:
    clocks = SetClocks()
    life = Lifetime.of(3600, clocks.of_run())
    assert (life.began, life.ends) == (NOON, NOON + 3600)
    clocks.jumped = jump
    assert life.left(clocks.of_run()) == 3600
    clocks.passed = 3600
    assert life.left(clocks.of_run()) == 0


def test_after_the_system_was_started_anew_the_time_of_day_counts() -> None:
    clocks = SetClocks()
    life = Lifetime.of(3600, clocks.of_run())
    clocks.passed = 600
    assert life.left(clocks.of_run("the next")) == 3000
    clocks.jumped = 3000
    assert life.left(clocks.of_run("the next")) == 0


def test_the_systems_own_clocks() -> None:
    clocks = Clocks.of_system()
    assert 3599 < Lifetime.of(3600, clocks).left(Clocks.of_system()) <= 3600
