"""What a worker that was taken over would be after, made for the tests: everything is there, and worth a try."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.worker.sandbox.ways import Way

SECRET = b"what nobody else is to read"


@dataclass(frozen=True, slots=True)
class Place:
    """Paths and ports. A value, because it crosses a process boundary."""

    folder: str
    """The service's state folder."""
    tcp_port: int
    """Where somebody on this machine listens, as libvirt may."""

    @property
    def socket(self) -> str:
        """libvirt's."""
        return f"{self.folder}/libvirt-sock"

    @property
    def log_socket(self) -> str:
        """One that takes datagrams, as the system's log does."""
        return f"{self.folder}/log"

    @property
    def token(self) -> str:
        return f"{self.folder}/token"

    @property
    def config(self) -> str:
        return f"{self.folder}/config.toml"


@contextmanager
def place_for(way: Way) -> Iterator[Place]:
    """A place in which the service's user may do what it may do in a real one."""
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as libvirt,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        place = Place(folder, listener.getsockname()[1])
        os.chown(folder, way.uid, way.uid)
        os.chmod(folder, 0o755)
        libvirt.bind(place.socket)
        libvirt.listen(64)
        os.chown(place.socket, 0, way.libvirt_gid)
        os.chmod(place.socket, 0o770)
        log.bind(place.log_socket)
        os.chmod(place.log_socket, 0o666)
        for path, mode in ((place.token, 0o600), (place.config, 0o640)):
            Path(path).write_bytes(SECRET)
            os.chown(path, way.uid, way.uid)
            os.chmod(path, mode)
        yield place
