"""Visitors in processes of their own, and how they leave."""

import asyncio
import sys
from contextlib import suppress

from tests.support.guests import Guest
from tests.support.portal import Portal

READY_S = 120.0
"""Guards against waiting for ever."""


class Visitors:
    """A process with one or more viewers of a guest."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def come(cls, portal: Portal, guest: Guest, number: int = 1, *, hold: bool = False) -> "Visitors":
        """Start them; each has a picture then, and with ``hold`` the first one holds the key A."""
        place = ("--url", portal.url, "--token", portal.token, "--uuid", guest.uuid)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.visitors", *place, "--number", str(number)),
            *(("--hold",) if hold else ()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(READY_S):
            said = await process.stdout.readline()
        assert said, "a visitor did not get its picture"
        return cls(process)

    async def leave(self) -> None:
        """End as a page does that is closed."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        await self.process.wait()

    async def vanish(self) -> None:
        """End without a word."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
