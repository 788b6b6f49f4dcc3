"""QEMU's monitor: a real QEMU's, and sockets that do what none does."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libvirt_webrtc.display import qmp
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.display.qmp import open_display
from libvirt_webrtc.errors import DisplayError
from tests.display.peer import open_fds
from tests.media.helpers import soon
from tests.support.dbus import MessageBus
from tests.support.emulators import Emulator
from tests.support.qmp import Qemu


def monitor(path: Path) -> tuple[str, ...]:
    return ("-qmp", f"unix:{path},server=on,wait=off")


@pytest.fixture
async def path(emulator: Emulator, tmp_path: Path) -> AsyncIterator[Path]:
    """The monitor of a QEMU with a peer-to-peer display."""
    async with Qemu("-device", "VGA", *monitor(tmp_path / "qmp"), emulator=str(emulator.path)):
        yield tmp_path / "qmp"


async def test_the_display_comes_by_the_monitor_which_is_free_again(path: Path) -> None:
    before = open_fds()
    for _ in range(3):
        display = await Display.open(socket.socket(fileno=await soon(open_display(path))))
        assert [console.label for console in display.consoles.values()] == ["VGA"]
        display.close()
    assert open_fds() == before


async def test_a_monitor_that_somebody_else_uses_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qmp, "ANSWER_S", 0.2)
    reader, writer = await asyncio.open_unix_connection(str(path))
    await reader.readline()
    before = open_fds()
    for _ in range(4):  # until even the queue is full
        with pytest.raises(DisplayError, match="serves one client at a time"):
            await soon(open_display(path))
    assert open_fds() == before
    monkeypatch.undo()
    writer.close()
    await writer.wait_closed()
    display = await Display.open(socket.socket(fileno=await soon(when_free(path))))
    display.close()


async def when_free(path: Path) -> int:
    """The display, once QEMU has turned to all who queued for its monitor before."""
    while True:
        try:
            return await open_display(path)
        except DisplayError:
            await asyncio.sleep(0.05)


async def test_no_monitor_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DisplayError, match="No such file.*-qmp unix:.*server=on,wait=off"):
        await open_display(tmp_path / "qmp")


@pytest.mark.parametrize("display", ["none", "bus"])
async def test_a_qemu_without_a_peer_to_peer_display_is_told_what_to_start(
    display: str, emulator: Emulator, tmp_path: Path
) -> None:
    with MessageBus(tmp_path) as bus:
        option = "none" if display == "none" else f"dbus,addr={bus.address}"
        path = tmp_path / "qmp"
        async with Qemu(*monitor(path), emulator=str(emulator.path), display=option):
            before = open_fds()
            with pytest.raises(DisplayError, match="start it with -display dbus,p2p=on"):
                await soon(open_display(path))
            assert open_fds() == before


GREETING = json.dumps({"QMP": {"version": {}, "capabilities": []}}).encode() + b"\n"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "is no QEMU monitor"),
        (b"{}\n", "is no QEMU monitor"),
        (b"[1]\n", "is no QEMU monitor"),
        (b"x" * (2 << 20), "is no QEMU monitor"),
        (b"[" * 500_000 + b"\n", "is no QEMU monitor"),
        (b"", "QEMU closed its monitor"),
        (GREETING, "QEMU closed its monitor"),
        (GREETING + b'{"event": "STOP"}\n{"error": "odd"}\n', "odd"),
    ],
)
async def test_what_is_no_monitor_is_told(said: bytes, reason: str, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(said)
            await writer.drain()
            if b"error" in said:
                await reader.readline()
        except ConnectionError:
            pass  # It hangs up as soon as it has seen what this is.
        finally:
            writer.close()

    path = tmp_path / "qmp"
    async with await asyncio.start_unix_server(answer, str(path)):
        with pytest.raises(DisplayError, match=reason):
            await soon(open_display(path))
