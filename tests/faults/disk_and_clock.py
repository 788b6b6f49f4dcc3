"""The disk of the log is full, and the clock of the day jumps by an hour, back and forth."""

import asyncio
import os
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.page import ConsolePage
from tests.faults.scenario import Measured
from tests.faults.scene import Scene
from tests.faults.watching import ask, domain_of, is_back, until_listed, watching

SOURCE = Path(__file__).with_name("shifted_clock.c")
HOUR_S = 3600
STAYS_S = 4.0
"""How long the clock stays wrong each time, in seconds."""


class Clock:
    """The clock of the day of a program that is started with ``environment``."""

    def __init__(self, folder: Path) -> None:
        library, self._file = folder / "clock.so", folder / "shift"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self.shift(0)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._file)}

    def shift(self, seconds: int) -> None:
        """Make it wrong by so much from now on."""
        fd = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.pwrite(fd, struct.pack("l", seconds), 0)
        finally:
            os.close(fd)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0755", "faults", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> None:
    with (disk / "filling").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


async def run(scene: Scene) -> list[Measured]:
    return [*await _full_disk(scene), *await _clock(scene)]


async def _full_disk(scene: Scene) -> list[Measured]:
    with small_disk(scene.folder / "disk") as disk:
        portal = scene.start_portal(folder=disk)
        guest = scene.guest(portal)
        fill(disk)
        async with watching(portal, guest):
            worker = domain_of(await ask(portal), guest)["worker_pid"]
            os.kill(worker, signal.SIGKILL)
            back = await until_listed(portal, is_back(guest, worker))
        async with watching(portal, guest) as watcher:
            began = time.monotonic()
            await asyncio.sleep(2)
            gap = watcher.longest_gap_s(began)
        await asyncio.to_thread(portal.close)
    return [
        Measured("full disk: console back after a worker's end", back, 3.0),
        Measured("full disk: longest gap in the stream", gap, 1.0),
    ]


async def _clock(scene: Scene) -> list[Measured]:
    clock = Clock(scene.folder)
    portal = scene.start_portal(clock.environment)
    guest = scene.guest(portal)
    page = await ConsolePage.open(await scene.start_browser(), portal, guest)
    async with watching(portal, guest) as watcher:
        began = time.monotonic()
        for seconds in (HOUR_S, -HOUR_S, 0):
            clock.shift(seconds)
            await asyncio.sleep(STAYS_S)
        gap = watcher.longest_gap_s(began)
    made = await page.connections()
    clock.shift(HOUR_S)
    worker = domain_of(await ask(portal), guest)["worker_pid"]
    began_at = time.time()
    os.kill(worker, signal.SIGKILL)
    back = await page.back_s(began_at, made)
    return [
        Measured("clock an hour on, and back: longest gap in the stream", gap, 1.0),
        Measured("clock: connections of the page meanwhile", made, 1, "connections"),
        # The page's own cookie asks for it: its session has not ended.
        Measured("clock an hour on: picture back after a worker's end", back, 3.0),
    ]
