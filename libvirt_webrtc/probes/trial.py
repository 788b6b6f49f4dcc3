"""One trial of a driver, in a process of its own."""

import asyncio
import sys
from functools import partial

from libvirt_webrtc.concurrency.processes import BoundedProcess, Finished
from libvirt_webrtc.concurrency.threads import in_thread

TIMEOUT_S = 20.0
"""How long a trial may take, in seconds: to start Python, load a driver and draw or encode a few pictures. Only a
driver that hangs needs longer."""


def trial_command(module: str) -> tuple[str, ...]:
    """The command that runs one of this package's modules."""
    return (sys.executable, "-m", f"libvirt_webrtc.{module}")


async def run_trial(*command: str) -> Finished:
    """Run a command, for TIMEOUT_S and another second at most. When cancelled, it kills the process and returns.

    Raises OSError where the command cannot be started.
    """
    process = BoundedProcess(command)
    try:
        return await in_thread(partial(process.finish, TIMEOUT_S))
    except asyncio.CancelledError:
        process.kill()
        raise


def why_failed(done: Finished) -> str:
    """What is to be said of a trial that did not end with 0."""
    if done.status is None:
        left = f" (process {done.stuck} cannot be ended)" if done.stuck is not None else ""
        return f"its driver hangs{left}"
    return done.last_error or f"its driver crashes (status {done.status})"
