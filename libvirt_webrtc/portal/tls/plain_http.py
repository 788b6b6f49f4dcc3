"""What plain HTTP gets from a port that speaks TLS."""

import asyncio
import re
import socket

from multidict import CIMultiDict

from libvirt_webrtc.portal.headers import add_headers

HEAD_LIMIT = 8192
"""Bytes of a request's head that are looked at."""

_TARGET = re.compile(rb"(?:GET|HEAD) (/[\x21-\x7e]*) HTTP/1\.[01]\r\n")
_HOST = re.compile(rb"\r\nHost: *([A-Za-z0-9._:\[\]-]{1,260}) *\r\n", re.IGNORECASE)


async def answer_plain(sock: socket.socket) -> None:
    """Send whoever asks for a page to the same one over HTTPS, and tell others that this is the place for it.

    May be cancelled; the caller bounds the time. Raises OSError where the other side is gone.
    """
    loop = asyncio.get_running_loop()
    head = b""
    while b"\r\n\r\n" not in head and len(head) < HEAD_LIMIT:
        received = await loop.sock_recv(sock, HEAD_LIMIT - len(head))
        if not received:
            break
        head += received
    await loop.sock_sendall(sock, _answer(head))
    sock.shutdown(socket.SHUT_WR)
    # With something unread, the end of the connection would overtake the answer.
    while await loop.sock_recv(sock, HEAD_LIMIT):
        pass


def _answer(head: bytes) -> bytes:
    target, host = _TARGET.match(head), _HOST.search(head)
    headers = CIMultiDict({"Content-Type": "text/plain", "Connection": "close"})
    if target is not None and host is not None:
        status, text = "307 Temporary Redirect", "This port speaks HTTPS only.\n"
        headers["Location"] = f"https://{host[1].decode()}{target[1].decode()}"
    else:
        status = "400 Bad Request"
        text = "This port speaks HTTPS only, and what came was readable for everybody on the way.\n"
    add_headers(headers)
    headers["Content-Length"] = str(len(text))
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", text]
    return "\r\n".join(lines).encode("ascii")
