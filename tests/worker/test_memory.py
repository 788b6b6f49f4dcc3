"""Memory that is given back."""

import asyncio

import pytest

from libvirt_webrtc.picture.pixels import PixelFormat
from libvirt_webrtc.worker import memory
from libvirt_webrtc.worker.memory import LateTrim
from libvirt_webrtc.worker.shared_console import REPLACED_S, SharedConsole
from tests.media.helpers import until


@pytest.fixture
def trims(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the heap was trimmed, in seconds of the event loop's clock."""
    times: list[float] = []
    monkeypatch.setattr(memory, "trim_heap", lambda: times.append(asyncio.get_running_loop().time()))
    return times


async def test_many_events_are_one_trim_and_later_ones_another(trims: list[float]) -> None:
    late = LateTrim(0.01)
    late.freed()
    late.freed()
    await until(lambda: bool(trims))
    assert len(trims) == 1
    late.freed()
    await until(lambda: len(trims) == 2)


async def test_nothing_is_trimmed_after_the_end(trims: list[float]) -> None:
    late = LateTrim(0.0)
    late.freed()
    late.close()
    late.close()
    await asyncio.sleep(0.02)
    assert not trims


async def test_a_picture_of_another_size_has_the_former_ones_memory_returned(
    shared: SharedConsole, trims: list[float]
) -> None:
    resized = asyncio.get_running_loop().time()
    for size in (2, 4):
        shared.framebuffer.scanout(size, size, 4 * size, PixelFormat.X8R8G8B8, bytes(4 * size * size))
    await until(lambda: bool(trims))
    assert len(trims) == 1 and trims[0] >= resized + REPLACED_S
