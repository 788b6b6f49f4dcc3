"""A message bus that only one test uses."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import pytest

from tests.support.waiting import wait_until

STOP_S = 15.0

NOBODY = 65534
"""The user id of nobody."""


class MessageBus:
    """A real dbus-daemon with the configuration of a user's session; ``with`` ends it.

    Attributes:
        path: its socket.
        address: as D-Bus writes it.
    """

    def __init__(self, folder: Path, user: int | None = None) -> None:
        """Start it as ``user``, who must be able to enter ``folder``."""
        if shutil.which("dbus-daemon") is None:
            pytest.skip("needs dbus-daemon: run tests/run.sh as root")
        self.path = folder / "bus"
        self.address = f"unix:path={self.path}"
        self._user = user

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self.address}"],
            stdin=subprocess.DEVNULL,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": ""},
        )
        wait_until(self._listens, "the bus listens", STOP_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(STOP_S)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.path)) == 0


@contextmanager
def bus_of_another_user() -> Iterator[MessageBus]:
    """Start a bus as nobody, in a folder that only nobody can enter, as libvirt starts one as QEMU's user. Needs
    root."""
    with TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        folder = Path(outer) / "dbus"
        folder.mkdir(mode=0o700)
        os.chown(folder, NOBODY, NOBODY)
        with MessageBus(folder, user=NOBODY) as running:
            yield running
