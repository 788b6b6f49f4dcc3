"""The libvirtd of the tests, in the private world that ``tests/run.sh`` makes."""

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.waiting import wait_until

PRIVATE_VARIABLE = "LIBVIRT_WEBRTC_TEST_PRIVATE"
"""The environment variable that is 1 inside the private world. Outside, a libvirtd that is started would be the
machine's."""

URI = "qemu:///system" if os.environ.get(PRIVATE_VARIABLE) == "1" else "qemu:///session"
"""Inside the private world its own daemon; outside never the machine's, at most the user's session (benches use it)."""

STOP_S = 20.0


def in_private_world() -> bool:
    """Whether this process is in the private world, whose libvirt folders are its own."""
    return os.environ.get(PRIVATE_VARIABLE) == "1"


def virsh(*arguments: str, stdin: str = "") -> str:
    """One virsh command on the tests' libvirt; its output.

    Raises:
        AssertionError: it failed; with what it wrote.
    """
    command = ["virsh", "--quiet", "--connect", URI, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout.strip()


class PrivateLibvirtd:
    """virtlogd and libvirtd as child processes; both end with :meth:`stop`.

    Attributes:
        uri: where it answers.
        log: what it wrote.
    """

    uri = URI

    def __init__(self, folder: Path) -> None:
        assert in_private_world(), "never on the machine's own libvirt"
        self.log = folder / "libvirtd.log"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the present libvirtd."""
        return self._processes[-1].pid

    def start(self) -> None:
        """Start both and return when libvirtd answers."""
        with self.log.open("ab") as log:
            for program in ("virtlogd", "libvirtd"):
                self._processes.append(
                    subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                )
        wait_until(self._answers, f"libvirtd answers (see {self.log})")

    def stop(self) -> None:
        """End both daemons. Guests go on, as on a real host. Idempotent."""
        while self._processes:
            process = self._processes.pop()
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def restart(self) -> None:
        """End both daemons and start new ones, as an upgrade does."""
        self.stop()
        self.start()

    def _answers(self) -> bool:
        assert self._processes[-1].poll() is None, f"libvirtd ended:\n{self.log.read_text()}"
        command = ["virsh", "--quiet", "--connect", URI, "uri"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
