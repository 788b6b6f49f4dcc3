"""QEMU's monitor protocol (QMP), as much of it as opens the D-Bus display of a QEMU that libvirt does not manage.

Own code rather than the package ``qemu.qmp``: a file descriptor has to be sent with a command, which that package does
by reaching into asyncio, and three commands on one short connection need nothing else of it. Source: QEMU
``docs/interop/qmp-spec``; ``qapi/misc.json`` (``getfd``, ``add_client``).
"""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

from libvirt_webrtc.errors import DisplayError

ANSWER_S = 5.0
"""For all of QEMU's answers together, in seconds; its main loop gives each within milliseconds."""

MAX_LINE_BYTES = 1 << 20
"""Unread bytes after which the other side is no QEMU; its longest answer here is below 1 KiB, events below 10 KiB."""

FD_NAME = "libvirt-webrtc-display"


async def open_display(path: Path) -> int:
    """Return a control connection to the display of the QEMU whose monitor listens at ``path``.

    The caller owns the descriptor, which is like the one that libvirt's ``virDomainOpenGraphicsFD`` returns. The
    connection to the monitor is closed before this returns: QEMU serves one monitor client at a time. May be cancelled;
    takes at most ``ANSWER_S``.

    Raises:
        DisplayError: nobody listens or answers there, or QEMU refuses; says why and what to do.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.setblocking(False)
            sock.connect(str(path))
        except BlockingIOError as error:
            raise _busy(path) from error
        except OSError as error:
            raise DisplayError(
                f"no QEMU monitor at {path}: {error.strerror or error}; start QEMU with "
                f"-qmp unix:{path},server=on,wait=off"
            ) from error
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                async with asyncio.timeout(ANSWER_S):
                    await _add_client(_Monitor(sock, path), theirs)
        except TimeoutError:
            ours.close()
            raise _busy(path) from None
        except BaseException:
            ours.close()
            raise
    return ours.detach()


async def _add_client(monitor: "_Monitor", display: socket.socket) -> None:
    await monitor.greeting()
    await monitor.command("qmp_capabilities")
    await monitor.command("getfd", {"fdname": FD_NAME}, fd=display.fileno())
    # QEMU closes its copy of the descriptor with this command, also where it refuses.
    await monitor.command("add_client", {"protocol": "@dbus-display", "fdname": FD_NAME})


class _Monitor:
    """The client's end of a connected monitor socket, which stays the caller's."""

    def __init__(self, sock: socket.socket, path: Path) -> None:
        self._sock = sock
        self._path = path
        self._buffer = b""

    async def greeting(self) -> None:
        """Wait until QEMU serves this connection. Raises DisplayError where it is no QEMU monitor."""
        if "QMP" not in await self._message():
            raise DisplayError(f"{self._path} is no QEMU monitor")

    async def command(
        self, name: str, arguments: dict[str, Any] | None = None, *, fd: int | None = None
    ) -> None:
        """Run one command, and send ``fd`` with it. Raises DisplayError where QEMU refuses."""
        request = json.dumps({"execute": name, "arguments": arguments or {}}).encode() + b"\n"
        await self._send(request, [] if fd is None else [fd])
        while True:
            answer = await self._message()
            if "return" in answer:
                return
            if "error" in answer:
                raise DisplayError(_refusal(answer["error"]))

    async def _send(self, data: bytes, fds: list[int]) -> None:
        # It fits: nothing else waits in the socket's buffer, which is larger than any request.
        try:
            sent = socket.send_fds(self._sock, [data], fds)
        except OSError as error:
            raise self._gone() from error
        if sent != len(data):
            raise self._gone()

    async def _message(self) -> dict[str, Any]:
        """The next message from QEMU, which may be an event."""
        loop = asyncio.get_running_loop()
        while b"\n" not in self._buffer:
            try:
                data = await loop.sock_recv(self._sock, 65536)
            except OSError as error:
                raise self._gone() from error
            if not data:
                raise self._gone()
            self._buffer += data
            if len(self._buffer) > MAX_LINE_BYTES:
                raise DisplayError(f"{self._path} is no QEMU monitor")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DisplayError(f"{self._path} is no QEMU monitor") from error
        return message if isinstance(message, dict) else {}

    def _gone(self) -> DisplayError:
        return DisplayError(f"QEMU closed its monitor at {self._path}")


def _busy(path: Path) -> DisplayError:
    return DisplayError(
        f"the QEMU monitor at {path} does not answer: it serves one client at a time, so end the other one, "
        "or give QEMU one more -qmp"
    )


def _refusal(error: Any) -> str:
    text = str(error.get("desc")) if isinstance(error, dict) else str(error)
    return f"QEMU does not give its display by its monitor ({text}): start it with -display dbus,p2p=on"
