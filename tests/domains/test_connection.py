"""One connection to a real libvirtd: closed while it is used, and opened to a daemon that does not answer."""

import asyncio
import os
import signal
import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from libvirt_webrtc.domains.connection import Connection
from libvirt_webrtc.domains.libvirt_api import VirConnect, open_connection, open_limit_s, our_errors
from libvirt_webrtc.errors import HypervisorUnavailable
from tests.support.libvirtd import PrivateLibvirtd

DEADLINE_S = 30.0


def test_opening_ends_where_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen daemon's socket takes connections, as this one does, and never says a word."""
    monkeypatch.setattr("libvirt_webrtc.domains.libvirt_api.OPEN_S", 0.5)
    path = tmp_path / "libvirt-sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(HypervisorUnavailable, match=r"does not answer within 0\.5 s: .*systemctl status"):
            open_connection(f"qemu+unix:///system?socket={path}")
        assert time.monotonic() - began < DEADLINE_S


@pytest.mark.parametrize(
    ("uri", "patient"),
    [("qemu:///system", False), ("qemu+unix:///session", False), ("qemu+ssh://root@host/system", True)],
)
def test_opening_waits_for_a_person_where_ssh_may_ask_for_a_password(uri: str, patient: bool) -> None:
    assert (open_limit_s(uri) > 60) == patient


def test_a_connection_without_a_daemon_needs_no_keepalive() -> None:
    with closing(open_connection("test:///default")) as connection:
        assert [domain.name() for domain in connection.listAllDomains()] == ["test"]


@pytest.mark.libvirt
def test_a_call_to_a_daemon_that_froze_after_opening_ends(libvirtd: PrivateLibvirtd) -> None:
    with closing(open_connection(libvirtd.uri)) as connection:
        os.kill(libvirtd.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(HypervisorUnavailable), our_errors("cannot list the domains"):
                connection.listAllDomains()
            assert time.monotonic() - began < DEADLINE_S
        finally:
            os.kill(libvirtd.pid, signal.SIGCONT)


@pytest.mark.libvirt
async def test_closing_waits_for_a_call_that_nobody_waits_for(libvirt_uri: str) -> None:
    """libvirt would free the connection under it."""
    connection = await Connection.open(libvirt_uri)
    begun, go_on = threading.Event(), threading.Event()
    answered = []

    def call(raw: VirConnect) -> None:
        begun.set()
        go_on.wait(DEADLINE_S)
        answered.append(raw.getLibVersion())

    calling = asyncio.create_task(connection.call(call))
    await asyncio.to_thread(begun.wait)
    calling.cancel()
    closing = asyncio.create_task(connection.close())
    await asyncio.wait({calling, closing}, timeout=0.2)
    assert calling.cancelled() and not closing.done()
    go_on.set()
    await closing
    assert len(answered) == 1
    with pytest.raises(HypervisorUnavailable):
        await connection.call(call)


@pytest.mark.libvirt
async def test_closing_does_not_wait_for_a_call_that_never_ends(
    libvirt_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libvirt_webrtc.domains.connection.CLOSE_S", 0.1)
    connection = await Connection.open(libvirt_uri)
    begun, go_on = threading.Event(), threading.Event()

    def call(raw: VirConnect) -> int:
        begun.set()
        go_on.wait(DEADLINE_S)
        return raw.getLibVersion()

    calling = asyncio.create_task(connection.call(call))
    await asyncio.to_thread(begun.wait)
    await connection.close()
    assert not calling.done()
    go_on.set()
    assert await calling > 0
