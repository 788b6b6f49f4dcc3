"""The fork server, from which every process of ours comes that needs no program of its own.

It is the standard library's, and has everything heavy imported: a fork costs 30 ms and little memory, where a fresh
interpreter costs a second and 70 MB. Workers end with it (:mod:`libvirt_webrtc.worker.sandbox.lock`), so one that is
killed costs every console about a second; one that stands still costs nothing until the next process is needed.
"""

import logging
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from contextlib import suppress
from importlib.machinery import ModuleSpec
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path

log = logging.getLogger(__name__)

FORK_S = 20.0
"""Limit for making one process, in seconds: a fresh fork server's imports take one on an idle machine. A fork server
that takes longer is killed, and the caller tries again with a new one."""

LOOK_S = 0.2
"""Seconds between two looks at the fork server while a process is being made."""

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["libvirt_webrtc.worker.preload"])


def warm_up() -> None:
    """Start the fork server and its imports, so that the first process does not wait for them. Blocking, briefly."""
    main = sys.modules["__main__"]
    if main.__spec__ is None:
        # Started by a script, such as the installed command: every process would run it again, as its main module,
        # and so load libvirt and the portal (45 MB and half a second each). It leaves a package's __main__ alone.
        main.__spec__ = ModuleSpec("libvirt_webrtc.__main__", None)
    forkserver.ensure_running()


def start(process: ForkServerProcess) -> None:
    """Start a process. Blocking; takes FORK_S at most. A fork server that has ended, or is stopped, is replaced first.

    Raises:
        OSError, EOFError: the process could not be made; another try may go well.
    """
    end_stopped()
    warm_up()
    made = threading.Event()
    watching = threading.Thread(target=_watch, args=(made, server_pid()), name="fork-watch", daemon=True)
    watching.start()
    try:
        process.start()
    finally:
        made.set()
        # Whoever tries again is to find a fork server that it killed gone, not dying.
        watching.join()


def server_pid() -> int | None:
    """The process id of the fork server; None before its first start."""
    pid: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    return pid


def end_stopped() -> None:
    """Kill the fork server where it was stopped, as by SIGSTOP. Every console's worker is started again then."""
    pid = server_pid()
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return  # there is none, or it has ended
    if pid is not None and state == "T":
        log.error("the fork server %s is stopped; killing it, and starting every console's worker again", pid)
        _kill(pid)


def remove_folder() -> None:
    """Remove the folder of the fork server's own socket, as this process, which is that fork server, ends.

    The service makes it, and removes it when it ends; one that was killed did not.
    """
    address: str = forkserver._forkserver._forkserver_address  # type: ignore[attr-defined]
    folder = Path(address).parent
    # The standard library's name for a process's own temporary folder.
    if folder.name.startswith("pymp-"):
        shutil.rmtree(folder, ignore_errors=True)


def _watch(made: threading.Event, pid: int | None) -> None:
    """Have a fork server that stands still not hold up the one who waits for a process."""
    for _ in range(round(FORK_S / LOOK_S)):
        if made.wait(LOOK_S):
            return
        end_stopped()
    if pid is not None:
        log.error("the fork server %s made no process in %g s; killing it", pid, FORK_S)
        _kill(pid)


def _kill(pid: int) -> None:
    """Kill a fork server, and with it every process that it made. Returns when it has ended."""
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        # Left for the standard library to collect, which learns so that it needs another one.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
