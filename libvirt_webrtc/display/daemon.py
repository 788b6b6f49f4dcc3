"""QEMU's display over a bus daemon, where QEMU owns a name and others may listen and talk as well.

Source: D-Bus specification, "Message Bus Specification"; QEMU ``ui/dbus.c``, which owns ``org.qemu`` once its objects
are there. Of several QEMUs on one bus the first owns the name; the next gets it when that one leaves.
"""

import socket
from collections.abc import Callable

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.calls import CallFailed
from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.errors import DisplayClosed, DisplayError, DisplayProtocolError

QEMU = "org.qemu"
DAEMON = "org.freedesktop.DBus"
DAEMON_PATH = "/org/freedesktop/DBus"

_NO_OWNER = "org.freedesktop.DBus.Error.NameHasNoOwner"

_MATCHES = (
    f"type='signal',sender='{QEMU}'",
    f"type='signal',sender='{DAEMON}',member='NameOwnerChanged',arg0='{QEMU}'",
)


async def join(sock: socket.socket, *, on_signal: Callable[[Incoming], None]) -> Bus:
    """A connection to the QEMU on the bus at the other end of ``sock``. Takes ``sock`` over, also where it fails.

    Calls go to that QEMU, only its signals reach ``on_signal``, and the connection ends when it leaves the bus. May be
    cancelled; takes at most some seconds.

    Raises:
        DisplayError: the bus does not let us in, does not answer in time, or has no QEMU.
    """

    def hear(message: Incoming) -> None:
        # Anybody on a bus may send us anything; the daemon vouches for the sender.
        header = message.header
        if header.sender == DAEMON:
            if header.member == "NameOwnerChanged" and list(message.body[:2]) == [QEMU, bus.destination]:
                bus.end(DisplayClosed("QEMU has left the bus"))
        elif header.sender == bus.destination:
            on_signal(message)

    bus = Bus(sock, on_signal=hear, to_daemon=True)
    try:
        try:
            await bus.authenticated()
            await _ask(bus, "Hello")
        except DisplayClosed as error:
            raise DisplayError(
                "the bus ends the connection: as a rule it lets in only the user who runs it"
            ) from error
        bus.destination = await _find_qemu(bus)
    except BaseException:
        bus.close()
        raise
    return bus


async def _find_qemu(bus: Bus) -> str:
    """The unique bus name of whoever owns ``org.qemu``."""
    for match in _MATCHES:
        await _ask(bus, "AddMatch", match)
    try:
        reply = await _ask(bus, "GetNameOwner", QEMU)
    except CallFailed as error:
        if error.name != _NO_OWNER:
            raise
        raise DisplayError(
            f"nobody on the bus is named {QEMU}: start QEMU with -display dbus,addr=ADDRESS, the address of this bus"
        ) from error
    if reply.header.signature != "s":
        raise DisplayProtocolError(f"GetNameOwner answered {reply.header.signature!r}")
    return str(reply.body[0])


async def _ask(bus: Bus, member: str, *arguments: str) -> Incoming:
    """Call a method of the bus daemon itself."""
    return await bus.call(DAEMON_PATH, DAEMON, member, "s" * len(arguments), arguments, destination=DAEMON)
