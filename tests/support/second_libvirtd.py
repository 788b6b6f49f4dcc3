"""A second libvirtd beside the private one, as if it were another host: guests migrate between the two.

It has a host name, a host UUID and folders of its own, in namespaces of its own. What the two share is the network
(127.0.0.1), the guests' files, and the folder with its socket.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.guests import Guest
from tests.support.libvirtd import STOP_S, URI, in_private_world, virsh
from tests.support.waiting import wait_until

# Both daemons are children of the shell, which waits for libvirtd and then ends what is left.
_SCRIPT = """
set -e
hostname second
limits=$(cat /etc/libvirt/qemu.conf)  # of the place, and so the same as the first one's
for folder in /run /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
    mount -t tmpfs -o mode=0755 second "$folder"
done
mkdir -m 1777 /run/lock
printf '%s\\n' "$limits" >/etc/libvirt/qemu.conf
printf '%s = "%s"\\n' auth_unix_ro none auth_unix_rw none host_uuid "$HOST_UUID" unix_sock_dir "$SOCKETS" \\
    >/etc/libvirt/libvirtd.conf
virtlogd &
logger=$!
libvirtd &
trap 'kill $! $logger' TERM
wait $! || true
wait
"""


class SecondLibvirtd:
    """Runs from :meth:`start` to :meth:`stop`, which also ends the guests that are left there.

    Attributes:
        uri: where it answers, also for the first one.
        connect: virsh's options to reach it.
    """

    def __init__(self, folder: Path) -> None:
        assert in_private_world(), "never on the machine's own libvirt"
        self._log = folder / "second-libvirtd.log"
        # Not in the test's folder: the path of a socket has 107 bytes at most.
        self._sockets = Path(tempfile.mkdtemp(prefix="libvirtd-"))
        self.uri = f"qemu+unix:///system?socket={self._sockets}/libvirt-sock"
        self.connect = ("--connect", self.uri)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and return when it answers."""
        environment = {**os.environ, "HOST_UUID": str(uuid.uuid4()), "SOCKETS": str(self._sockets)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--uts", "sh", "-c", _SCRIPT],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        wait_until(self._answers, f"the second libvirtd answers (see {self._log})")

    def stop(self) -> None:
        """End it and its guests. Idempotent."""
        if self._process is None:
            return
        for name in virsh(*self.connect, "list", "--name").split():
            virsh(*self.connect, "destroy", name)
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            # As libvirtd does now and then. All three, or the two would be left.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None
        shutil.rmtree(self._sockets)

    def send(self, guest: Guest) -> None:
        """Migrate a running guest from the private libvirtd to this one, and forget its definition here."""
        virsh("migrate", "--live", guest.uuid, self.uri, *_OVER_LOOPBACK)

    def bring_back(self, guest: Guest) -> None:
        """Migrate it to the private libvirtd, where the hooks of the tests are."""
        virsh(*self.connect, "migrate", "--live", guest.uuid, URI, *_OVER_LOOPBACK)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the second libvirtd ended:\n{self._log.read_text()}"
        command = ["virsh", "--quiet", *self.connect, "uri"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


_OVER_LOOPBACK = ("--migrateuri", "tcp://127.0.0.1", "--listen-address", "127.0.0.1")
