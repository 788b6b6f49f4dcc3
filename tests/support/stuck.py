"""Commands that hang in the ways that drivers hang, as Python programs.

Each takes a file's path, into which it writes the id of a process that the test has to end, and prints "begun".
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

SOON_S = 60.0
"""Longer than giving up a command takes, and far less than such a command would last."""

_BEGIN = """
import ctypes, os, pathlib, signal, sys, time
def begin(pid):
    pathlib.Path(sys.argv[1]).write_text(str(pid))
    print("begun", flush=True)
"""

IGNORES_SIGTERM = f"""{_BEGIN}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
begin(os.getpid())
time.sleep(120)
"""

STOPS_ITSELF = f"""{_BEGIN}
begin(os.getpid())
os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(120)
"""

LEAVES_A_CHILD = f"""{_BEGIN}
child = os.fork()
if child:
    begin(child)
else:
    os.setsid()
    time.sleep(120)
"""
"""It ends at once. Its child goes on in a session of its own, and holds standard output and standard error open."""

UNKILLABLE = f"""{_BEGIN}
PR_SET_PTRACER, PTRACE_SEIZE = 0x59616D61, 0x4206
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
ready, go = os.pipe()
child = os.fork()
if not child:
    os.setsid()
    if libc.ptrace(PTRACE_SEIZE, os.getppid(), None, None):
        os._exit(1)
    os.write(go, b"x")
    time.sleep(120)
os.close(go)
if os.read(ready, 1) != b"x":
    sys.exit("cannot be traced")
begin(child)
time.sleep(120)
"""
"""A debugger holds it and never looks. After SIGKILL its parent waits for it in vain, until the debugger ends: to its
parent it looks like a process that is stuck in a driver."""


def python(code: str) -> tuple[str, ...]:
    """The command that runs ``code``."""
    return (sys.executable, "-c", code)


def kill_and_wait(pid: int) -> None:
    """Kill a process that is no child of ours, and wait until it holds nothing any more."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    while not has_ended(pid):
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or a zombie, which holds nothing any more."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
