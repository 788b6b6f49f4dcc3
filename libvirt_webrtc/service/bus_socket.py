"""A connection to the bus of a display, made as the user whom that bus lets in.

A bus daemon asks the kernel who connected its socket, and as a rule lets in only the user under which it runs itself:
not even root. libvirt starts one for each domain that has a D-Bus display without p2p, as QEMU's user, in a folder of
that user's. The kernel remembers who called connect(), so a short-lived child does that, and hands the socket back.
"""

import os
import socket
from functools import partial
from multiprocessing.context import ForkServerProcess

from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.display.address import connect, parse_address, peer_user, shown, user_name
from libvirt_webrtc.errors import DisplayError
from libvirt_webrtc.worker import forking
from libvirt_webrtc.worker.sandbox.identity import drop_bounding_set, drop_capabilities

CHILD_S = 10.0
"""Limit for the child's answer, in seconds. Connecting never waits, but forking on a busy machine does."""
CHILD_ENDS_S = 1.0

MAX_REASON_BYTES = 1024


async def open_bus(address: str) -> int:
    """A socket to the bus at a D-Bus address, unauthenticated; the caller owns it.

    As root, connected as the user who runs the bus; as anybody else, as oneself.

    Raises:
        DisplayError: there is no such bus, or no way to it; says why.
    """
    sock, place = connect(parse_address(address))
    uid, gid = peer_user(sock)
    if os.geteuid() != 0 or uid == 0:
        return sock.detach()
    sock.close()
    return await in_thread(partial(_connect_as, uid, gid, place), discard=os.close)


def _connect_as(uid: int, gid: int, place: str) -> int:
    """Blocking. Raises DisplayError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = forking.context.Process(
        target=_connect_in_child, args=(theirs, uid, gid, place), name="connect", daemon=True
    )
    fds: list[int] = []
    try:
        with ours:
            with theirs:
                forking.start(process)
            try:
                ours.settimeout(CHILD_S)
                said, fds, _, _ = socket.recv_fds(ours, MAX_REASON_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
            finally:
                _end(process)
    except (OSError, EOFError) as error:
        reason = str(error)
    else:
        reason = said.decode(errors="replace") or "the process that tries it ended"
    if not fds:
        raise DisplayError(f"cannot connect to {shown(place)} as {user_name(uid)}: {reason}")
    return fds[0]


def _end(process: ForkServerProcess) -> None:
    process.join(CHILD_ENDS_S)
    if process.exitcode is None:
        process.kill()
        process.join()
    process.close()


def _connect_in_child(channel: socket.socket, uid: int, gid: int, place: str) -> None:
    """Runs in a child process, which gives up being root, connects, passes the socket back and ends."""
    try:
        drop_bounding_set()
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        drop_capabilities()
        sock, _ = connect((place,))
    except (OSError, DisplayError) as error:
        channel.send(str(error).encode()[:MAX_REASON_BYTES])
    else:
        socket.send_fds(channel, [b"connected"], [sock.fileno()])
