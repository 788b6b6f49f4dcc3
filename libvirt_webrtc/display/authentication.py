"""What a D-Bus client says to authenticate and to negotiate file descriptors, without I/O.

Source: D-Bus specification, "Authentication Protocol".
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Authentication:
    """The client's side of one authentication.

    QEMU authenticates a listener on its main loop and blocks there for each line of ours, without a limit. So
    everything is sent ahead in one piece: GDBus reads line by line and finds each line there. Nothing else may be sent
    before the server's last line has come.
    """

    request: bytes
    """All that the client says, from the NUL byte to BEGIN."""
    answers: tuple[bytes, ...]
    """How the lines begin, in this order, of a server that accepts."""


def authenticate_as(uid: int) -> Authentication:
    """For QEMU, which compares ``uid`` with the peer credentials that the kernel tells it."""
    identity = str(uid).encode().hex().encode()
    return Authentication(
        b"\0AUTH EXTERNAL " + identity + b"\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", (b"OK ", b"AGREE_UNIX_FD")
    )


AUTHENTICATE_BY_KERNEL = Authentication(
    b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", (b"DATA", b"OK ", b"AGREE_UNIX_FD")
)
"""For a bus daemon: as the user who connected the socket, whom the kernel knows and this process need not. sd-bus
authenticates in the same way."""
