"""Run a command and wait for it no longer than a limit, whatever becomes of it.

``subprocess.run(timeout=...)`` is not enough: after its kill it waits for the process without a limit, and a process
that is stuck in a graphics driver or in a network file system does not end by SIGKILL. It also waits for the end of the
output, which a grandchild may hold open for ever.

libvirt's hook uses this module as well, so it imports neither asyncio nor logging, which take long to load.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

GONE_S = 1.0
"""How long a killed process may take to end, in seconds. One that takes longer is stuck in the kernel, and is left."""

OUTPUT_LIMIT = 1 << 20
"""How many bytes of standard output, and of standard error, are kept; the rest is read and dropped."""

_CHUNK = 1 << 16
_LAST_READS = 32
"""A pipe holds 64 KiB, or 1 MiB at the most; more than that comes from somebody who goes on writing."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    status: int | None
    """As :attr:`subprocess.Popen.returncode`; None where it did not end within the limit and was killed."""
    output: bytes
    """What it wrote to standard output until then, at most OUTPUT_LIMIT bytes."""
    errors: bytes
    """The same of standard error."""
    took_s: float
    """From its start to its end, or to the limit."""
    stuck: int | None = None
    """The process's id where even SIGKILL did not end it: it waits in the kernel, and is left behind."""

    @property
    def last_error(self) -> str | None:
        """The last line of standard error, which mostly says what is wrong; None where there is none."""
        lines = self.errors.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else None


class BoundedProcess:
    """A command that runs in a session of its own. :meth:`finish` must be called, once.

    The arguments are those of :func:`run_bounded`. Raises OSError where the command cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        given: bytes = b"",
        folder: str | None = None,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
    ) -> None:
        self._began = time.monotonic()
        # A file and not a pipe: there is nothing to wait for where the command does not read it.
        with open(os.memfd_create("input"), "r+b") as file:
            file.write(given)
            file.seek(0)
            self._process = subprocess.Popen(
                command,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill the command and what it started. From any thread; harmless once it has ended."""
        if self._process.returncode is None:
            # Until its status has been read, its id belongs to it, and the group of this id is its own.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def finish(self, limit_s: float, *, to_the_end: bool = False) -> Finished:
        """Wait for its end until ``limit_s`` after its start, then kill what is left of it.

        Blocking, for GONE_S longer at the most. What it started is killed also where it ends by itself.
        """
        with ExitStack() as stack:
            streams = _Output(self._process)
            stack.callback(streams.close)
            pidfd = os.pidfd_open(self._process.pid)
            stack.callback(os.close, pidfd)
            ended = streams.read_until(pidfd, self._began + limit_s, to_the_end=to_the_end)
            took_s = time.monotonic() - self._began
            self.kill()
            stuck = self._process.pid if not self._reap() else None
            status = self._process.returncode if ended else None
            return Finished(status, bytes(streams.output), bytes(streams.errors), took_s, stuck)

    def _reap(self) -> bool:
        """Whether its status could be read within GONE_S: a process stuck in the kernel has none yet."""
        try:
            self._process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            return False
        return True


def run_bounded(
    command: Sequence[str | Path],
    limit_s: float,
    *,
    given: bytes = b"",
    to_the_end: bool = False,
    folder: str | None = None,
    environment: Mapping[str, str] | None = None,
    user: int | None = None,
) -> Finished:
    """Run a command to its end, or kill it after ``limit_s``. Blocking, at most GONE_S longer.

    Args:
        given: its standard input.
        to_the_end: it counts as ended only when its output has ended as well, which programs that it left behind may
            hold open. libvirt waits like this for a hook.
        folder: its working directory.
        environment: all of its environment; this process's where it is None.
        user: the user and group id that it runs with, without further groups; this process's where it is None.

    Raises OSError where the command cannot be started.
    """
    process = BoundedProcess(command, given=given, folder=folder, environment=environment, user=user)
    return process.finish(limit_s, to_the_end=to_the_end)


class _Output:
    """The pipes from a process, read without ever waiting for one of them alone."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None and process.stderr is not None
        self.output, self.errors = bytearray(), bytearray()
        self._selector = selectors.DefaultSelector()
        self._pipes = (process.stdout, process.stderr)
        for pipe, kept in zip(self._pipes, (self.output, self.errors), strict=True):
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, kept)

    def close(self) -> None:
        self._selector.close()
        for pipe in self._pipes:
            pipe.close()

    def read_until(self, pidfd: int, deadline: float, *, to_the_end: bool) -> bool:
        """Read until the process has ended, or until the deadline; True where it has ended."""
        self._selector.register(pidfd, selectors.EVENT_READ)
        running = True
        while running or (to_the_end and self._selector.get_map()):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            for key, _ in self._selector.select(left_s):
                if key.fd == pidfd:
                    self._selector.unregister(pidfd)
                    running = False
                else:
                    self._read(key)
        for _ in range(_LAST_READS):  # what is still in the pipes
            if not any([self._read(key) for key, _ in self._selector.select(0)]):
                break
        return True

    def _read(self, key: selectors.SelectorKey) -> bool:
        """Read from one pipe; False at its end."""
        data = os.read(key.fd, _CHUNK)
        kept: bytearray = key.data
        kept += data[: OUTPUT_LIMIT - len(kept)]
        if not data:
            self._selector.unregister(key.fileobj)
        return bool(data)
