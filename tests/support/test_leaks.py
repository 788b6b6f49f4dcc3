"""The look-out for leaks sees what it is there for."""

import os
import subprocess

from tests.support.leaks import Snapshot, left_since


def test_nothing_left_is_no_complaint() -> None:
    before = Snapshot.take()
    subprocess.run(["true"], check=True)
    os.close(os.open("/dev/null", os.O_RDONLY))
    assert left_since(before) == []


def test_an_open_descriptor_is_seen() -> None:
    before = Snapshot.take()
    descriptor = os.open("/dev/zero", os.O_RDONLY)
    try:
        assert left_since(before, 0.0) == [f"fd {descriptor}: /dev/zero"]
    finally:
        os.close(descriptor)


def test_a_running_process_is_seen() -> None:
    before = Snapshot.take()
    with subprocess.Popen(["sleep", "60"]) as process:
        (left,) = left_since(before, 0.0)
        assert left.startswith(f"process {process.pid}: ")
        process.kill()


def test_a_process_that_nobody_waited_for_is_seen() -> None:
    before = Snapshot.take()
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert left_since(before, 0.0) == [f"process {process.pid}: true"]
    process.wait()
