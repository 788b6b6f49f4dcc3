"""A way to libvirtd's socket that can be cut while libvirtd lives on."""

import select
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

LIBVIRTD = "/run/libvirt/libvirt-sock"
CHUNK = 1 << 16


class Relay:
    """Listens from entering to leaving.

    Attributes:
        uri: where libvirtd answers through it.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "libvirt-relay"
        self.uri = f"qemu+unix:///system?socket={path}"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join()
        self._server.close()

    def cut(self) -> None:
        """Break all connections that there are; new ones may be made."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):  # ended by itself
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            daemon = socket.socket(socket.AF_UNIX)
            daemon.connect(LIBVIRTD)
            with self._lock:
                self._pairs.append((client, daemon))
            self._threads.append(threading.Thread(target=_carry, args=(client, daemon), daemon=True))
            self._threads[-1].start()


def _carry(client: socket.socket, daemon: socket.socket) -> None:
    other = {client: daemon, daemon: client}
    with client, daemon:
        while True:
            readable, _, _ = select.select([client, daemon], [], [])
            for end in readable:
                try:
                    data = end.recv(CHUNK)
                    other[end].sendall(data)
                except OSError:
                    return
                if not data:
                    return
