"""The connection against a peer that does what QEMU does not: authentication, calls, and how it ends."""

import asyncio
import os
import struct

import pytest
from dbus_fast import Message

from libvirt_webrtc.display import wire
from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.calls import CallFailed, CallTimeout
from libvirt_webrtc.display.unmarshal import Unreadable
from libvirt_webrtc.errors import DisplayClosed, DisplayProtocolError
from tests.display.peer import FakeQemu


async def test_authentication_is_sent_whole_before_the_server_says_anything(peer: FakeQemu) -> None:
    bus = Bus(peer.theirs)
    said = await peer.authenticate()
    identity = str(os.geteuid()).encode().hex().encode()
    assert said == b"\0AUTH EXTERNAL " + identity + b"\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"
    await bus.authenticated()
    bus.close()


async def test_a_refused_authentication_is_an_error(peer: FakeQemu) -> None:
    await peer.send(b"REJECTED EXTERNAL\r\n")
    with pytest.raises(DisplayProtocolError, match="refused"):
        await Bus.connect(peer.theirs)


async def test_a_server_that_never_authenticates_times_out(
    peer: FakeQemu, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = Bus(peer.theirs)
    with pytest.raises(CallTimeout):
        await bus.authenticated(0.01)
    bus.close()


async def test_a_call_that_is_never_answered_times_out(peer: FakeQemu, bus: Bus) -> None:
    with pytest.raises(CallTimeout, match="Do"):
        await bus.call("/a", "b.c", "Do", timeout_s=0.01)
    assert not bus.closed


async def test_calls_get_their_own_answers_in_any_order(peer: FakeQemu, bus: Bus) -> None:
    calls = [asyncio.create_task(bus.call("/a", "b.c", name)) for name in ("One", "Two")]
    asked = [await peer.receive(), await peer.receive()]
    for message in reversed(asked):
        await peer.send(peer.reply_to(message, "s", message.member))
    assert [(await call).body for call in calls] == [["One"], ["Two"]]


async def test_an_error_reply_is_raised_with_its_name(peer: FakeQemu, bus: Bus) -> None:
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    answer = Message.new_error(await peer.receive(), "org.qemu.Display1.Error.Invalid", "no")
    answer.serial = 1
    await peer.send(wire.marshal(answer))
    with pytest.raises(CallFailed, match="no") as caught:
        await call
    assert caught.value.name == "org.qemu.Display1.Error.Invalid"


async def test_bytes_that_are_no_message_end_the_connection(peer: FakeQemu, bus: Bus) -> None:
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    await peer.receive()
    await peer.send(b"\r\nnonsense, all of it\r\n")
    assert isinstance(await bus.wait_closed(), Unreadable)
    with pytest.raises(DisplayProtocolError):
        await call
    with pytest.raises(DisplayProtocolError):
        await bus.call("/a", "b.c", "Do")


async def test_a_body_that_cannot_be_read_ends_the_connection(peer: FakeQemu, bus: Bus) -> None:
    data = bytearray(peer.message("Echo", "s", "text"))
    data[-9:-5] = struct.pack("<I", 1 << 20)
    await peer.send(bytes(data))
    assert isinstance(await bus.wait_closed(), Unreadable)


async def test_a_peer_that_goes_away_ends_calls(peer: FakeQemu, bus: Bus) -> None:
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    await peer.receive()
    peer.sock.close()
    with pytest.raises(DisplayClosed):
        await call
    assert bus.closed and bus.reason is await bus.wait_closed()


async def test_close_twice_is_fine_and_ends_calls(peer: FakeQemu, bus: Bus) -> None:
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    await peer.receive()
    bus.close()
    bus.close()
    with pytest.raises(DisplayClosed):
        await call


async def test_a_peer_that_does_not_read_is_given_up(peer: FakeQemu, bus: Bus) -> None:
    calls = [asyncio.create_task(bus.call("/a", "b.c", "Do", "ay", (bytes(100_000),))) for _ in range(20)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert bus.closed and all(isinstance(result, DisplayClosed) for result in results)


async def test_a_long_error_text_is_cut_and_stays_on_one_line(peer: FakeQemu, bus: Bus) -> None:
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    answer = Message.new_error(await peer.receive(), "org.qemu.Display1.Error.Failed", "no\nway " * 10_000)
    answer.serial = 1
    await peer.send(wire.marshal(answer))
    with pytest.raises(CallFailed) as caught:
        await call
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)
