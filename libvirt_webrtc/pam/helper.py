"""The root helper: takes a name and a password from the service, has PAM check them, and does nothing else.

Who connects is asked of the kernel; each check is a process of its own, bounded in time and number.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.pam.budget import GuessBudget
from libvirt_webrtc.pam.listening import MAX_CONNECTIONS, peer_of
from libvirt_webrtc.pam.protocol import (
    ASK_S,
    CHECK_S,
    MAX_ANSWER_BYTES,
    MAX_QUESTION_BYTES,
    SERVICE,
    CheckedUser,
    Question,
    Verdict,
    read_answer,
    read_question,
    write_line,
)

log = logging.getLogger(__name__)

RULES = (Path("/etc/pam.d") / SERVICE, Path("/usr/lib/pam.d") / SERVICE)
"""Without a file of its own PAM goes by ``other``, which may let in more than anybody wanted here."""

MAX_CHECKS = 16
"""Checks at the same time. PAM answers a wrong password after two seconds."""
IDLE_S = 60.0
"""A helper that systemd started for a connection ends after this many seconds without one."""

CHECK = (sys.executable, "-I", "-m", "libvirt_webrtc.pam.check")
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class PamHelper:
    """Serves one listening socket.

    Attributes:
        budget: how many passwords of each user may still be tried.

    Args:
        allowed: the user ids that may ask, besides root's.
        allow_root: root may sign in.
        command: what checks one question.
        check_s: how many seconds that may take.
        clock: seconds that never jump.
    """

    def __init__(
        self,
        allowed: frozenset[int],
        *,
        allow_root: bool = False,
        command: tuple[str, ...] = CHECK,
        check_s: float = CHECK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed | {0}
        self._command = (*command, "--allow-root") if allow_root else command
        self._check_s = check_s
        self._clock = clock
        self.budget = GuessBudget()
        self._connections = TaskSet()
        self._open = 0
        self._checking = 0
        self._strangers = LimitedLogger(log)
        self._refused = LimitedLogger(log)
        self._failed = LimitedLogger(log)

    async def serve(self, listening: socket.socket, idle_s: float | None = None) -> None:
        """Answer until cancelled, or until nobody connected for ``idle_s`` seconds. The socket stays the caller's."""
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    async with asyncio.timeout(idle_s):
                        connection, _ = await loop.sock_accept(listening)
                except TimeoutError:
                    if self._open == 0:
                        return
                    continue
                if self._open >= MAX_CONNECTIONS or not self._may_ask(connection):
                    connection.close()
                    continue
                self._open += 1
                self._connections.start(self._serve(connection), name="PAM question")
        finally:
            await self._connections.close()

    def _may_ask(self, connection: socket.socket) -> bool:
        pid, uid = peer_of(connection)
        if uid in self._allowed:
            return True
        self._strangers.warning("process %d of user %d may not ask, and is refused", pid, uid)
        return False

    async def _serve(self, connection: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MAX_QUESTION_BYTES)
            try:
                async with asyncio.timeout(ASK_S):
                    question = read_question(await reader.readuntil(b"\n"))
                writer.write(write_line(await self._answer(question)))
                async with asyncio.timeout(ASK_S):
                    await writer.drain()
            finally:
                writer.close()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self._refused.warning("a question was not sent whole, or its answer not read, in time")
        except msgspec.MsgspecError:
            # Without its text: that may quote the password.
            self._refused.warning("a question is not as libvirt_webrtc/pam/protocol.py has it")
        finally:
            self._open -= 1

    async def _answer(self, question: Question) -> CheckedUser:
        if not question.can_be_right():
            return CheckedUser(Verdict.NO)
        if self._checking >= MAX_CHECKS or not self.budget.take(question.name, self._clock()):
            self._refused.warning("too many checks, of one user or in all, at the same time")
            return CheckedUser(Verdict.BUSY)
        self._checking += 1
        try:
            answer = await self._check(question)
        finally:
            self._checking -= 1
        if answer.verdict is not Verdict.NO:
            self.budget.give_back(question.name, self._clock())
        return answer

    async def _check(self, question: Question) -> CheckedUser:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_ENVIRONMENT,
            start_new_session=True,
            limit=MAX_ANSWER_BYTES,
        )
        try:
            async with asyncio.timeout(self._check_s):
                output, _ = await process.communicate(write_line(question))
            return read_answer(output)
        except TimeoutError:
            self._failed.warning("PAM did not answer within %g s, and was given up", self._check_s)
        except msgspec.MsgspecError:
            self._failed.warning("a check ended with status %s and no answer", process.returncode)
        finally:
            # A module may have started processes, too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        return CheckedUser(Verdict.FAILED)


def check_rules(files: Sequence[Path] = RULES) -> None:
    """Raises ConfigError where PAM has no rules for this program."""
    if not any(path.exists() for path in files):
        raise ConfigError(f"{files[0]} is missing: copy examples/pam.d/{SERVICE} there")
