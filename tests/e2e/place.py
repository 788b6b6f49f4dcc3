"""Where a bare QEMU and ``libvirt-webrtc stream`` meet: on a message bus, or by QEMU's monitor."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.dbus import MessageBus
from tests.support.portal import Portal

PLACES = ("bus", "p2p")

PROTOTYPE = {
    "QEMU_WEBRTC_DOWNSAMPLE": "0",
    "QEMU_WEBRTC_ICE_SERVERS": "[]",
    "QEMU_WEBRTC_ICE_TRANSPORT_POLICY": "all",
    "QEMU_WEBRTC_TURN_HOST": "",
}
"""The prototype's environment, beside DBUS_SESSION_BUS_ADDRESS."""


@dataclass(frozen=True, slots=True)
class Place:
    """What QEMU and ``stream`` are told to meet there."""

    display: str
    """QEMU's argument of ``-display``."""
    further: tuple[str, ...]
    """QEMU's further arguments."""
    environment: dict[str, str]
    """The arguments of ``stream``."""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Streamed:
    """The guest of the only QEMU."""

    uuid: str
    nonce: str = "0"
    """The nonce in its picture, where that has one."""


@contextmanager
def meeting_place(kind: str, folder: Path) -> Iterator[Place]:
    """Make one of ``PLACES``; its bus ends with the block."""
    if kind == "p2p":
        monitor = folder / "qmp"
        further = ("-qmp", f"unix:{monitor},server=on,wait=off")
        yield Place("dbus,p2p=on", further, {}, ("--qmp", str(monitor)))
        return
    with MessageBus(folder) as bus:
        environment = {**PROTOTYPE, "DBUS_SESSION_BUS_ADDRESS": bus.address}
        yield Place(f"dbus,p2p=no,addr={bus.address}", (), environment)


@contextmanager
def streaming(place: Place, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Portal]:
    """``libvirt-webrtc stream`` there; its log is shown where the test failed."""
    started = Portal(folder, None, {**(environment or {}), **place.environment}, place.arguments)
    yield started
    try:
        started.close()
    finally:
        print(started.log.read_text())
