"""One connection to a real libvirtd, closed while it is used."""

import asyncio
import threading

import pytest

from libvirt_webrtc.domains.connection import Connection
from libvirt_webrtc.domains.libvirt_api import VirConnect
from libvirt_webrtc.errors import HypervisorUnavailable

pytestmark = pytest.mark.libvirt

DEADLINE_S = 30.0


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
