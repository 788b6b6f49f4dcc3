"""The service as a process, and what another process of this machine can do to it without a token."""

import http.client
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.portal import Portal

URI = "qemu+unix:///system?socket=/nonexistent"
"""Nobody answers there: what is tested here needs no libvirt."""

HALF_OPEN = 1100
"""Connections: more than the descriptors of a process as systems set them (1024)."""


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """A portal whose limit for descriptors cannot be raised."""
    limited = ("prlimit", "--nofile=1024:1024")
    portal = Portal(tmp_path, URI, {"LIBVIRT_WEBRTC_STATE_DIR": str(tmp_path / "state")}, prefix=limited)
    try:
        yield portal
    finally:
        portal.close()


@contextmanager
def many_descriptors() -> Iterator[None]:
    """This process may open more than HALF_OPEN of them meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * HALF_OPEN), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def address(portal: Portal) -> tuple[str, int]:
    host, _, port = portal.url.removeprefix("http://").partition(":")
    return host, int(port)


def test_half_open_connections_keep_nobody_out(portal: Portal) -> None:
    with many_descriptors(), ExitStack() as stack:
        for _ in range(HALF_OPEN):
            client = stack.enter_context(socket.create_connection(address(portal), 30))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
        assert portal.get("/api/domains")["domains"] == []
    assert portal.log.stat().st_size < 10_000, portal.log.read_text()[-2000:]


def test_requests_that_are_none_put_nothing_secret_into_the_log(portal: Portal) -> None:
    for number in range(300):
        secret = f"Cookie: session=S3CRET{'x' * 9000}" if number % 2 else "Authorization: Bearer S3CRET\r x"
        with socket.create_connection(address(portal), 30) as client:
            client.sendall(f"GET /api/domains HTTP/1.1\r\nHost: localhost\r\n{secret}\r\n\r\n".encode())
            response = http.client.HTTPResponse(client)
            response.begin()
            assert response.status in (400, 431)
            assert response.headers["Server"] == "libvirt-webrtc"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
    log = portal.log.read_text()
    assert "S3CRET" not in log and "xxxx" not in log
    assert len(log) < 10_000
