"""Asks several servers for the same thing, and remembers which of them gave nothing."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aioice import stun

from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.config.ice_url import Target
from libvirt_webrtc.errors import NoPortLeft

T = TypeVar("T")

log = logging.getLogger(__name__)

ANSWER_S = 2.0
"""How long an inquiry may take, in seconds. A relay by TLS takes five round trips and the name's resolution; a datagram
that is lost is sent again after half a second, and after one more."""

SILENT_ANSWER_S = 0.5
"""The same where no server gave anything the last time: servers that are down do not delay every viewer."""

NEXT_S = 0.3
"""Seconds without an answer after which the next server is asked as well. RFC 8305 has 0.25 for connections."""

_CREDENTIALS = (401, 438, 441)
"""RFC 8489's errors of credentials that are missing, old, or another user's."""

_faults: dict[Target, str] = {}
"""What was wrong with the servers that gave nothing the last time, in this process."""

SLOWER_S = 60.0
"""For so many seconds a server is asked after one that was quicker, though it had been asked later."""

_slower: dict[Target, float] = {}
"""Such servers, each with the time when that ends. Perhaps they are silent."""


@dataclass(frozen=True, slots=True)
class Server:
    """One URL, with the credentials that belong to it."""

    target: Target
    username: str | None = None
    credential: str | None = None


class OtherNetwork(Exception):
    """A server has no address in the IP version that it was to be asked in. It may have one in the other."""


class Inquiry:
    """One question to some servers, which may be asked from several addresses of this host.

    Servers that gave nothing the last time come last, and before them those that were slower than another; among the
    others the configuration's order counts.

    Attributes:
        limit_s: how long it may take, in seconds.
    """

    def __init__(self, servers: Sequence[Server]) -> None:
        now = asyncio.get_running_loop().time()
        self._servers = sorted(
            servers, key=lambda server: (server.target in _faults, _slower.get(server.target, now) > now)
        )
        known = any(server.target not in _faults for server in servers)
        self.limit_s = ANSWER_S if known else SILENT_ANSWER_S
        self._given: set[Target] = set()
        self._wrong: dict[Target, str] = {}
        self._asked: Counter[Target] = Counter()
        """How often each was asked, without those times that ended with OtherNetwork."""

    async def first(self, ask: Callable[[Server], Awaitable[T]]) -> T | None:
        """What ``ask`` gives of the first server that gives something; None where all of them fail.

        The next server is asked when one has failed, or after NEXT_S. May be cancelled; what had been asked is
        cancelled then, and also when another was first.
        """
        left = list(self._servers)
        # What a server did wrong is what _ask notes.
        tasks = TaskSet(expected=(Exception,))
        waiting: set[asyncio.Task[T]] = set()

        async def ask_one(server: Server) -> T:
            found = await self._ask(ask, server)
            # Now, and not when this task is seen to be done: what another gave meanwhile would be lost, and stay open.
            for task in waiting - {asyncio.current_task()}:
                task.cancel()
            return found

        try:
            while left or waiting:
                if left:
                    server = left.pop(0)
                    waiting.add(tasks.start(ask_one(server), name=f"ask {server.target}"))
                done, waiting = await asyncio.wait(
                    waiting, timeout=NEXT_S if left else None, return_when=asyncio.FIRST_COMPLETED
                )
                found = [task.result() for task in done if not task.cancelled() and task.exception() is None]
                if found:
                    return found[0]
            return None
        finally:
            await tasks.close()

    def conclude(self, *, cut_short: bool = False) -> None:
        """Remember which servers gave something, and log what has changed. To be called at the end.

        Args:
            cut_short: it was not waited for :attr:`limit_s`, so who has given nothing may only be slow.
        """
        for server in self._servers:
            target = server.target
            if target in self._given:
                _slower.pop(target, None)
                if _faults.pop(target, None) is not None:
                    log.info("%s answers again", target)
                continue
            wrong = self._wrong.get(target)
            if wrong is None and target in self._asked and (self._given or cut_short):
                _slower[target] = asyncio.get_running_loop().time() + SLOWER_S
            elif wrong is None and target in self._asked:
                silent = f"it does not answer within {self.limit_s:g} s"
                wrong = silent if self._asked[target] else "it has no address that this host can ask"
            if wrong is not None:
                if target not in _faults:
                    log.warning("%s gives this host nothing: %s", target, wrong)
                _faults[target] = wrong

    async def _ask(self, ask: Callable[[Server], Awaitable[T]], server: Server) -> T:
        self._asked[server.target] += 1
        try:
            found = await ask(server)
        except OtherNetwork:
            self._asked[server.target] -= 1
            raise
        except NoPortLeft:
            # Not the server's fault, nor one that is there the next time.
            del self._asked[server.target]
            raise
        except Exception as error:
            # aioice has no error type of its own for what a server may do wrong.
            self._wrong[server.target] = _reason(error)
            raise
        self._given.add(server.target)
        return found


def forget_faults() -> None:
    """Have the next inquiry wait for every server again."""
    _faults.clear()
    _slower.clear()


def _reason(error: Exception) -> str:
    match error:
        case stun.TransactionFailed() if error.response.error_code in _CREDENTIALS:
            return "it refuses the credentials"
        case stun.TransactionFailed():
            return f"it answers with error {error.response.error_code}"
        case stun.TransactionTimeout() | TimeoutError():
            return "it does not answer"
    return str(error) or repr(error)
