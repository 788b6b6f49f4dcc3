"""Connections to the buses of others, for real."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.daemon import DAEMON, DAEMON_PATH
from libvirt_webrtc.errors import DisplayError
from libvirt_webrtc.service.bus_socket import open_bus
from libvirt_webrtc.worker import forking
from tests.media.helpers import soon
from tests.support.dbus import NOBODY, MessageBus, bus_of_another_user

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def theirs() -> Iterator[MessageBus]:
    with bus_of_another_user() as running:
        yield running


@pytest.fixture
def closed(theirs: MessageBus) -> MessageBus:
    """One that its own user does not get to any more."""
    theirs.path.parent.chmod(0o000)
    return theirs


async def user_there(fd: int) -> int:
    """Whom the bus takes us for."""
    bus = await Bus.connect(socket.socket(fileno=fd), to_daemon=True)
    try:
        name = (await bus.call(DAEMON_PATH, DAEMON, "Hello", destination=DAEMON)).body[0]
        reply = await bus.call(DAEMON_PATH, DAEMON, "GetConnectionUnixUser", "s", (name,), destination=DAEMON)
        return int(reply.body[0])
    finally:
        bus.close()


async def test_ones_own_bus_is_entered_as_oneself(tmp_path: Path) -> None:
    with MessageBus(tmp_path) as bus:
        assert await user_there(await open_bus(bus.address)) == os.geteuid()


@needs_root
async def test_root_enters_the_bus_of_another_user_as_that_user(theirs: MessageBus) -> None:
    for _ in range(3):
        assert await user_there(await soon(open_bus(theirs.address))) == NOBODY
    assert os.geteuid() == 0 and os.getresuid() == (0, 0, 0)


async def test_no_bus_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DisplayError, match=f"cannot connect to {tmp_path}/no: No such file"):
        await open_bus(f"unix:path={tmp_path}/no")


@needs_root
async def test_what_the_other_user_may_not_enter_is_an_error(closed: MessageBus) -> None:
    with pytest.raises(DisplayError, match="as nobody: cannot connect to .*Permission denied"):
        await soon(open_bus(closed.address))


@needs_root
async def test_a_fork_that_fails_is_an_error(theirs: MessageBus, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(forking, "warm_up", refuse)
    with pytest.raises(DisplayError, match="as nobody: no more processes"):
        await soon(open_bus(theirs.address))
