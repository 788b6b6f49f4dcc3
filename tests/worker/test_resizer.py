"""Sizes that viewers ask for reach QEMU one at a time, and not too often."""

import asyncio
import logging

import pytest

from libvirt_webrtc.display.calls import CallFailed
from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.worker.resizer import INTERVAL_S, Resizer
from tests.worker.input_viewer import Clock


class SizedConsole:
    """A console that notes what it was asked for."""

    index = 0

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.refuses = False

    async def set_ui_info(self, width: int, height: int, width_mm: int, height_mm: int) -> None:
        self.asked.append(width)
        if self.refuses:
            raise CallFailed("org.qemu.Display1.Error.Unsupported", "not supported")


async def test_of_1500_sizes_a_second_ten_reach_qemu_and_the_last_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each was a call to QEMU, and a line in the log at debug."""
    clock = Clock()
    console = SizedConsole()
    console.refuses = True
    resizer = Resizer(lambda: console)  # type: ignore[arg-type, return-value]
    told: list[bool] = []
    with caplog.at_level(logging.DEBUG):
        for number in range(1500):
            resizer.ask(Resize(1000 + number, 480, 0, 0), told.append)
            await asyncio.sleep(0)
            if number % 150 == 149:
                await clock.advance(INTERVAL_S)
        await clock.advance(INTERVAL_S)
    assert len(console.asked) <= 12 and console.asked[-1] == 2499
    assert told == [False] * len(console.asked)
    assert caplog.records == []
    await resizer.close()
