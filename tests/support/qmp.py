"""A bare QEMU with a D-Bus display, driven over QMP without blocking the loop. No libvirt."""

import array
import asyncio
import json
import os
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE_VARIABLE = "LIBVIRT_WEBRTC_TEST_PATIENCE"
"""The environment variable that says how many times slower than usual everything is; tests/gl/test_vm.py sets it."""
PATIENCE = float(os.environ.get(PATIENCE_VARIABLE) or 1)

DEADLINE_S = 60.0 * PATIENCE
"""How long a guest may take, on a loaded machine, to do what it is waited for."""


class QemuError(RuntimeError):
    """QMP refused a command."""


class Qemu:
    """One running QEMU; ``async with`` ends it.

    Attributes:
        folder: a directory that lives as long.
    """

    def __init__(
        self,
        *arguments: str,
        emulator: str = "qemu-system-x86_64",
        machine: str = "pc,accel=tcg",
        display: str = "dbus,p2p=on",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._emulator = emulator
        self._machine = machine
        self._display = display
        self._environment = environment or {}
        self._arguments = arguments
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._sock, theirs = socket.socketpair()
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                self._emulator,
                *("-machine", self._machine, "-nodefaults", "-display", self._display),
                *("-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"),
                *self._arguments,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **self._environment},
            )
        self._sock.setblocking(False)
        self._buffer = b""
        async with asyncio.timeout(DEADLINE_S):
            await self._line()  # the greeting
        await self.command("qmp_capabilities")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self._sock.close()
        self._folder.cleanup()

    async def command(self, name: str, *, fd: int | None = None, **arguments: Any) -> Any:
        """Runs one QMP command, with a file descriptor if given, and returns its result."""
        request = json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n"
        async with self._turn, asyncio.timeout(DEADLINE_S):
            rights = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
            assert self._sock.sendmsg([request], rights) == len(request)
            while True:
                reply = json.loads(await self._line())
                if "error" in reply:
                    raise QemuError(f"{name}: {reply['error']['desc']}")
                if "return" in reply:
                    return reply["return"]

    async def open_display(self) -> socket.socket:
        """A new control connection to the D-Bus display, as libvirt's OpenGraphicsFD gives one."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                await self.command("getfd", fd=theirs.fileno(), fdname="display")
                await self.command("add_client", protocol="@dbus-display", fdname="display")
        except BaseException:
            # A QEMU that is just ending; whoever logs this error keeps its frames, and the socket with them.
            ours.close()
            raise
        return ours

    async def latency(self) -> float:
        """Seconds that QEMU's main loop takes to answer."""
        begin = time.monotonic()
        await self.command("query-name")
        return time.monotonic() - begin

    def fds(self) -> int:
        """How many file descriptors QEMU has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    async def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            data = await asyncio.get_running_loop().sock_recv(self._sock, 65536)
            if not data:
                raise QemuError("QEMU is gone")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line
