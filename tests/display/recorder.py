"""What the tests of a connection export, and what came to it."""

from collections.abc import Sequence
from typing import Any

from dbus_fast import Variant

from libvirt_webrtc.display.exports import BusMethod, Frame, Interface
from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.errors import DisplayProtocolError
from tests.display.peer import LISTENER_PATH, FakeQemu

INTERFACE = "org.qemu.Display1.Listener"


def frame(peer: FakeQemu, size: int) -> bytes:
    """A call of ``Frame`` with at least so many bytes."""
    return peer.message("Frame", "uay", 1, bytes(range(256)) * (size // 256 + 1))


class Recorder:
    """Exports one of everything and keeps what came."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.oversized: list[int] = []
        self.taken: list[int] = []
        self.signals: list[str] = []

    def exports(self) -> dict[str, Sequence[Interface]]:
        methods: dict[str, BusMethod | Frame] = {
            "Frame": Frame(
                "uay", lambda body: self.frames.append(bytes(body)), oversized=self.oversized.append
            ),
            "Small": Frame("uay", lambda body: self.frames.append(bytes(body)), max_bytes=1 << 20),
            "Echo": BusMethod("s", lambda message: message.body, "s"),
            "Take": BusMethod("h", self._take),
            "Refuse": BusMethod("", self._refuse),
        }
        return {LISTENER_PATH: (Interface(INTERFACE, methods, {"Interfaces": Variant("as", ["x.y"])}),)}

    def hear(self, message: Incoming) -> None:
        """For signals."""
        self.signals.append(message.header.member)

    def _take(self, message: Incoming) -> Sequence[Any]:
        self.taken.append(message.take_fd(message.body[0]))
        return ()

    def _refuse(self, message: Incoming) -> Sequence[Any]:
        raise DisplayProtocolError("not this")
