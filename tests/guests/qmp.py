"""A bare QEMU for the demo guests' own tests: QMP, screendumps, input. No libvirt, no D-Bus."""

import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]

DEADLINE_S = 90.0
"""How long a guest may take, on a loaded machine, to do what it is waited for."""


class Guest:
    """One running QEMU; closing it ends the process."""

    def __init__(self, *arguments: str, emulator: str = "qemu-system-x86_64") -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [
                emulator,
                *("-machine", "pc,accel=tcg", "-nodefaults", "-display", "none"),
                *("-serial", f"file:{self.folder / 'serial.log'}"),
                *("-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"),
                *arguments,
            ],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.settimeout(DEADLINE_S)
        self._socket = ours
        self._lines = ours.makefile("r")
        self._lines.readline()  # the greeting
        self.command("qmp_capabilities")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._lines.close()
        self._socket.close()
        self._folder.cleanup()

    def command(self, name: str, **arguments: Any) -> Any:
        """Runs one QMP command and returns its result; RuntimeError if QEMU refuses it."""
        self._socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while line := self._lines.readline():
            reply = json.loads(line)
            if "error" in reply:
                raise RuntimeError(f"{name}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]
        raise RuntimeError(f"{name}: QEMU is gone")

    def serial(self) -> str:
        return (self.folder / "serial.log").read_text(errors="replace")

    def wait_serial(self, text: str, count: int = 1) -> None:
        """Waits until the guest has printed text count times."""
        deadline = time.monotonic() + DEADLINE_S
        while self.serial().count(text) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {text!r} in {self.serial()!r}")
            time.sleep(0.05)

    def screen(self) -> Rgb:
        """The screen, (height, width, 3) RGB."""
        path = self.folder / "screen.ppm"
        self.command("screendump", filename=str(path))
        magic, size, depth, data = path.read_bytes().split(b"\n", 3)
        assert (magic, depth) == (b"P6", b"255")
        width, height = map(int, size.split())
        rows = np.frombuffer(data, np.uint8).reshape(height, -1)  # padded to 4 bytes, for odd widths
        return rows[:, : width * 3].reshape(height, width, 3)

    def send(self, *events: dict[str, Any]) -> None:
        self.command("input-send-event", events=list(events))

    def key(self, qcode: str, down: bool | None = None) -> None:
        """A key's press (down), release, or (None) both."""
        for state in (True, False) if down is None else (down,):
            key = {"type": "qcode", "data": qcode}
            self.send({"type": "key", "data": {"down": state, "key": key}})
