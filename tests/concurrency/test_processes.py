"""Commands that will not end, and what they leave behind."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from libvirt_webrtc.concurrency.processes import GONE_S, OUTPUT_LIMIT, BoundedProcess, run_bounded
from tests.support.stuck import (
    IGNORES_SIGTERM,
    LEAVES_A_CHILD,
    SOON_S,
    STOPS_ITSELF,
    UNKILLABLE,
    has_ended,
    python,
)

HANGS_S = 3.0
"""The limit for commands that hang, in seconds: long enough for an interpreter to begin on a busy machine."""


def test_the_end_of_a_command_is_told() -> None:
    done = run_bounded(
        python("import sys; print('out'); print('one\\ntwo', file=sys.stderr); sys.exit(3)"), 30
    )
    assert (done.status, done.output, done.errors) == (3, b"out\n", b"one\ntwo\n")
    assert done.last_error == "two" and done.stuck is None


def test_a_signal_that_ended_it_is_told() -> None:
    assert run_bounded(python("import os; os.abort()"), 30).status == -signal.SIGABRT


def test_input_of_any_length_goes_in_while_output_comes_out() -> None:
    data = os.urandom(300_000)
    assert run_bounded(["cat"], 30, given=data).output == data


def test_a_command_need_not_read_its_input() -> None:
    assert run_bounded(["true"], 30, given=bytes(300_000)).status == 0


def test_output_without_end_is_not_kept_without_end() -> None:
    done = run_bounded(["cat", "/dev/zero"], 0.3)
    assert done.status is None and len(done.output) == OUTPUT_LIMIT


def test_who_goes_on_writing_afterwards_is_not_read_without_end() -> None:
    done = run_bounded(["sh", "-c", "setsid cat /dev/zero & sleep 0.1"], 30)
    assert done.status == 0 and done.took_s < SOON_S


@pytest.mark.parametrize("code", [IGNORES_SIGTERM, STOPS_ITSELF], ids=["ignores SIGTERM", "stopped"])
def test_a_command_that_hangs_is_killed(code: str, pid_file: Path) -> None:
    began = time.monotonic()
    done = run_bounded([*python(code), str(pid_file)], HANGS_S)
    assert done.status is None and done.stuck is None and done.output == b"begun\n"
    assert HANGS_S <= time.monotonic() - began < SOON_S
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_grandchild_that_holds_the_output_open_is_not_waited_for(pid_file: Path) -> None:
    began = time.monotonic()
    done = run_bounded([*python(LEAVES_A_CHILD), str(pid_file)], 60)
    assert (done.status, done.output) == (0, b"begun\n")
    assert time.monotonic() - began < SOON_S


def test_what_a_command_leaves_behind_in_its_session_is_killed() -> None:
    done = run_bounded(["sh", "-c", "sleep 60 & echo $!"], 30)
    pid = int(done.output)
    deadline = time.monotonic() + SOON_S
    while not has_ended(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_who_asks_for_the_end_of_the_output_waits_for_it(pid_file: Path) -> None:
    done = run_bounded([*python(LEAVES_A_CHILD), str(pid_file)], HANGS_S, to_the_end=True)
    assert (done.status, done.output) == (None, b"begun\n")


def test_a_process_that_sigkill_does_not_end_is_left_behind(pid_file: Path) -> None:
    """As one that is stuck in a driver. Its debugger has not yet taken notice of its end, so it has none for others."""
    began = time.monotonic()
    done = run_bounded([*python(UNKILLABLE), str(pid_file)], HANGS_S)
    if done.last_error == "cannot be traced":
        pytest.skip("a process may not be traced by its child here")
    assert done.output == b"begun\n" and done.status is None and done.stuck is not None
    assert time.monotonic() - began < HANGS_S + GONE_S + SOON_S
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    os.waitpid(done.stuck, 0)


def test_it_can_be_killed_from_another_thread() -> None:
    process = BoundedProcess(["sleep", "60"])
    timer = threading.Timer(0.2, process.kill)
    timer.start()
    assert process.finish(30).status == -signal.SIGKILL
    timer.join()
    process.kill()


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(OSError, match="No such file"):
        run_bounded(["/nonexistent"], 30)


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody but root has rights to give up")
def test_it_runs_as_whom_it_is_told() -> None:
    done = run_bounded(["/bin/sh", "-c", "id -u; id -G; pwd"], 30, user=65534, folder="/", environment={})
    assert done.output == b"65534\n65534\n/\n"


def test_the_hook_does_not_load_asyncio_for_it() -> None:
    code = "import sys, libvirt_webrtc.concurrency.processes; sys.exit('asyncio' in sys.modules)"
    assert run_bounded([sys.executable, "-I", "-c", code], 30).status == 0
