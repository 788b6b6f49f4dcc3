"""D-Bus addresses of Unix sockets. Other transports cannot pass file descriptors, which the display needs.

Source: D-Bus specification, "Server Addresses" and "Unix Domain Sockets".
"""

import os
import pwd
import socket
import struct
from contextlib import suppress
from urllib.parse import unquote_to_bytes

from libvirt_webrtc.errors import DisplayError


def parse_address(text: str) -> tuple[str, ...]:
    """The Unix sockets that a D-Bus address names, in the order in which to try them.

    Each is in the form that Python's ``socket`` module takes: a path, or NUL and an abstract name.

    Raises:
        DisplayError: ``text`` is no D-Bus address, or names no Unix socket.
    """
    sockets = []
    for part in filter(None, text.split(";")):
        transport, colon, rest = part.partition(":")
        options = {}
        for option in filter(None, rest.split(",")):
            key, equals, value = option.partition("=")
            if not equals or not key:
                raise DisplayError(f"{text!r} is no D-Bus address: {option!r} has no value")
            options[key] = unquote_to_bytes(value)
        if not colon or not transport:
            raise DisplayError(f"{text!r} is no D-Bus address, such as unix:path=/run/user/1000/bus")
        if transport == "unix" and (path := options.get("path")):
            if b"\0" in path:
                raise DisplayError(f"{text!r} holds a NUL, which no path does")
            sockets.append(os.fsdecode(path))
        elif transport == "unix" and (name := options.get("abstract")):
            sockets.append(os.fsdecode(b"\0" + name))
    if not sockets:
        raise DisplayError(f"{text!r} names no Unix socket: write unix:path=... or unix:abstract=...")
    return tuple(sockets)


def connect(sockets: tuple[str, ...]) -> tuple[socket.socket, str]:
    """Connect to the first of these sockets that accepts. Does not block.

    Returns:
        The connection, which the caller owns, and the socket's address.

    Raises:
        DisplayError: none accepts. Its cause is the OSError of the first.
    """
    reasons: list[OSError] = []
    for address in sockets:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.connect(address)
        except OSError as error:
            sock.close()
            reasons.append(error)
        else:
            return sock, address
    tried = "; ".join(
        f"{shown(address)}: {error.strerror or error}"
        for address, error in zip(sockets, reasons, strict=True)
    )
    raise DisplayError(f"cannot connect to {tried}") from reasons[0]


def shown(address: str) -> str:
    """A socket's address as text for people: ``@`` stands for the NUL of an abstract name, as in ``ss``."""
    return "@" + address[1:] if address.startswith("\0") else address


def peer_user(sock: socket.socket) -> tuple[int, int]:
    """The uid and gid at the other end; for a server, those that it had when it began to listen."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, gid = struct.unpack("3i", credentials)
    return uid, gid


def why_closed(address: str) -> str | None:
    """The reason, as a sentence, why this process cannot reach the socket of the bus at ``address``.

    None where it can, and where only a connection would tell. Makes a few system calls.
    """
    try:
        sockets = parse_address(address)
    except DisplayError as error:
        return str(error)
    for place in sockets:
        if place.startswith("\0"):
            return None
        try:
            os.stat(place)
        except PermissionError:
            continue
        except OSError:
            pass  # The socket is not there now, but may come.
        return None
    folder = os.path.dirname(sockets[0])
    return (
        f"{folder} lets in only {_owner(folder)} and root, and this program runs as {user_name(os.geteuid())}"
    )


def _owner(folder: str) -> str:
    with suppress(OSError):
        return user_name(os.stat(folder).st_uid)
    return "its owner"


def user_name(uid: int) -> str:
    """The user's name, or ``user UID`` where it has none."""
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"user {uid}"
