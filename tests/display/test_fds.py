"""File descriptors: each has one owner, and none is left open."""

import asyncio
import os

import pytest
from dbus_fast import Message

from libvirt_webrtc.display import wire
from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.calls import CallTimeout
from tests.display.peer import FakeQemu, open_fds
from tests.display.recorder import Recorder, frame


async def test_queued_messages_go_out_in_order_with_their_fds(peer: FakeQemu, bus: Bus) -> None:
    read, write = os.pipe()
    before = open_fds()
    big = asyncio.create_task(bus.call("/a", "b.c", "Big", "ay", (bytes(600_000),)))
    await asyncio.sleep(0)
    small = asyncio.create_task(bus.call("/a", "b.c", "Small", "h", (0,), (write,)))
    await asyncio.sleep(0)
    os.close(write)
    assert (await peer.receive()).member == "Big"
    assert (await peer.receive()).member == "Small"
    for task in (big, small):
        task.cancel()
    await asyncio.gather(big, small, return_exceptions=True)
    assert os.read(read, 1) == b""  # no copy of the pipe's writing end is left
    os.close(read)
    assert open_fds() == before - 2


async def test_a_taken_fd_is_the_handlers_and_others_are_closed(
    peer: FakeQemu, bus: Bus, recorder: Recorder, null: int
) -> None:
    before = open_fds()
    await peer.send(peer.message("Take", "h", 1, fds=2, reply=True), (peer.sock.fileno(), null))
    await peer.receive()
    assert os.readlink(f"/proc/self/fd/{recorder.taken[0]}") == "/dev/null"
    os.close(recorder.taken[0])
    assert open_fds() == before


async def test_fds_that_nobody_asked_for_are_closed(
    peer: FakeQemu, bus: Bus, recorder: Recorder, null: int
) -> None:
    before = open_fds()
    fds = (null, null)
    # Undeclared; in the middle of a large body; on an unknown method; on a rejected signature.
    await peer.send(peer.message("Echo", "s", "x"), fds)
    data = frame(peer, 1 << 20)
    await peer.send(data[: 1 << 19])
    await peer.send(data[1 << 19 :], fds)
    await peer.send(peer.message("Nothing", "h", 0, fds=2), fds)
    await peer.send(peer.message("Echo", "h", 0, fds=2), fds)
    assert (await peer.ask("Echo", "s", "x")).body == ["x"]
    assert len(recorder.frames) == 1
    assert open_fds() == before


async def test_fds_in_a_reply_that_comes_too_late_are_closed(peer: FakeQemu, bus: Bus, null: int) -> None:
    before = open_fds()
    with pytest.raises(CallTimeout):
        await bus.call("/a", "b.c", "Do", timeout_s=0.01)
    answer = Message.new_method_return(await peer.receive(), "h", [0], [0])
    answer.serial = 1
    await peer.send(wire.marshal(answer), (null,))
    assert (await peer.ask("Echo", "s", "x")).body == ["x"]
    assert open_fds() == before


async def test_a_message_without_its_fds_ends_the_connection(peer: FakeQemu, bus: Bus) -> None:
    await peer.send(peer.message("Take", "h", 0, fds=1))
    assert "file descriptors" in str(await bus.wait_closed())


async def test_too_many_fds_end_the_connection_and_are_closed(peer: FakeQemu, bus: Bus, null: int) -> None:
    before = open_fds()
    await peer.send(peer.message("Take", "h", 0, fds=1)[:20], (null,) * 40)
    await bus.wait_closed()
    assert open_fds() == before - 1  # the connection's own


async def test_fds_in_a_reply_are_closed(peer: FakeQemu, bus: Bus, null: int) -> None:
    before = open_fds()
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    answer = Message.new_method_return(await peer.receive(), "h", [0], [0])
    answer.serial = 1
    await peer.send(wire.marshal(answer), (null,))
    assert list((await call).body) == [0]
    assert open_fds() == before
