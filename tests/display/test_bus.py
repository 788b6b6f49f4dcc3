"""The connection against a peer that does what QEMU does not."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant

from libvirt_webrtc.display import bus as bus_module
from libvirt_webrtc.display import wire
from libvirt_webrtc.display.bus import Bus, CallFailed, CallTimeout
from libvirt_webrtc.display.exports import Frame, Interface, Method, take_fd
from libvirt_webrtc.display.transport import READ_BUFFER_BYTES
from libvirt_webrtc.errors import DisplayClosed, DisplayProtocolError
from tests.display.peer import LISTENER_PATH, FakeQemu, open_fds

INTERFACE = "org.qemu.Display1.Listener"


@pytest.fixture
def peer() -> Iterator[FakeQemu]:
    with FakeQemu() as fake:
        yield fake


@pytest.fixture
def null() -> Iterator[int]:
    """A file descriptor to send."""
    fd = os.open("/dev/null", os.O_RDONLY)
    yield fd
    os.close(fd)


class Recorder:
    """Exports one of everything and keeps what came."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.taken: list[int] = []
        self.signals: list[str] = []

    def exports(self) -> dict[str, Sequence[Interface]]:
        methods: dict[str, Method | Frame] = {
            "Frame": Frame("uay", lambda body: self.frames.append(bytes(body))),
            "Echo": Method("s", lambda message: message.body, "s"),
            "Take": Method("h", self._take),
            "Refuse": Method("", self._refuse),
        }
        return {LISTENER_PATH: (Interface(INTERFACE, methods, {"Interfaces": Variant("as", ["x.y"])}),)}

    def _take(self, message: Message) -> Sequence[Any]:
        fd = take_fd(message, message.body[0])
        assert fd is not None
        self.taken.append(fd)
        return ()

    def _refuse(self, message: Message) -> Sequence[Any]:
        raise DisplayProtocolError("not this")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def bus(peer: FakeQemu, recorder: Recorder) -> AsyncIterator[Bus]:
    made = Bus(
        peer.theirs,
        exports=recorder.exports(),
        on_signal=lambda message: recorder.signals.append(message.member or ""),
    )
    await peer.authenticate()
    await made.authenticated()
    yield made
    made.close()


def frame(peer: FakeQemu, size: int) -> bytes:
    return peer.message("Frame", "uay", 1, bytes(range(256)) * (size // 256 + 1))


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
        answer = Message.new_method_return(message, "s", [message.member or ""])
        answer.serial = 1
        await peer.send(wire.marshal(answer))
    assert [(await call).body for call in calls] == [["One"], ["Two"]]


async def test_an_error_reply_is_raised_with_its_name(peer: FakeQemu, bus: Bus) -> None:
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    answer = Message.new_error(await peer.receive(), "org.qemu.Display1.Error.Invalid", "no")
    answer.serial = 1
    await peer.send(wire.marshal(answer))
    with pytest.raises(CallFailed, match="no") as caught:
        await call
    assert caught.value.name == "org.qemu.Display1.Error.Invalid"


async def test_properties_and_ping_are_answered(peer: FakeQemu, bus: Bus) -> None:
    options = {"interface": "org.freedesktop.DBus.Properties"}
    answer = await peer.ask("GetAll", "s", INTERFACE, **options)
    assert answer.body == [{"Interfaces": Variant("as", ["x.y"])}]
    answer = await peer.ask("Get", "ss", INTERFACE, "Interfaces", **options)
    assert answer.body == [Variant("as", ["x.y"])]
    assert (await peer.ask("GetAll", "s", "no.such", **options)).message_type is MessageType.ERROR
    answer = await peer.ask("Ping", interface="org.freedesktop.DBus.Peer")
    assert answer.message_type is MessageType.METHOD_RETURN


async def test_get_all_in_the_same_piece_as_the_authentication_is_answered(
    peer: FakeQemu, recorder: Recorder
) -> None:
    bus = Bus(peer.theirs, exports=recorder.exports())
    asked = peer.message("GetAll", "s", INTERFACE, interface="org.freedesktop.DBus.Properties", reply=True)
    await peer.send(b"OK 00\r\nAGREE_UNIX_FD\r\n" + asked)
    said = b""
    while b"BEGIN\r\n" not in said or b"x.y" not in said:
        said += await asyncio.get_running_loop().sock_recv(peer.sock, 65536)
    bus.close()


async def test_unknown_methods_are_refused_and_the_connection_goes_on(peer: FakeQemu, bus: Bus) -> None:
    assert (await peer.ask("Nothing")).error_name == "org.freedesktop.DBus.Error.UnknownMethod"
    assert (await peer.ask("Echo", "s", "still here")).body == ["still here"]
    assert bus.rejected == 1


async def test_a_rejected_call_and_a_wrong_signature_do_not_end_the_connection(
    peer: FakeQemu, bus: Bus
) -> None:
    assert (await peer.ask("Refuse")).message_type is MessageType.ERROR
    assert (await peer.ask("Echo", "u", 3)).message_type is MessageType.ERROR
    await peer.send(peer.message("Frame", "uuay", 1, 2, b"x"))
    assert (await peer.ask("Echo", "s", "still here")).body == ["still here"]
    assert bus.rejected == 3


@pytest.mark.parametrize("size", [0, 100, READ_BUFFER_BYTES - 200, READ_BUFFER_BYTES, 3 << 20])
async def test_frames_of_all_sizes_come_whole(
    size: int, peer: FakeQemu, bus: Bus, recorder: Recorder
) -> None:
    for _ in range(3):
        await peer.send(frame(peer, size))
    assert (await peer.ask("Echo", "s", "after")).body == ["after"]
    pixels = bytes(range(256)) * (size // 256 + 1)
    assert recorder.frames == [struct.pack("<II", 1, len(pixels)) + pixels] * 3


async def test_messages_in_single_bytes_are_put_together(
    peer: FakeQemu, bus: Bus, recorder: Recorder
) -> None:
    for byte in frame(peer, 100) + peer.message("Echo", "s", "x", reply=True):
        await peer.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await peer.receive()).body == ["x"]
    assert len(recorder.frames) == 1


async def test_an_oversized_message_ends_the_connection(peer: FakeQemu, bus: Bus) -> None:
    data = bytearray(peer.message("Echo", "s", "x"))
    struct.pack_into("<I", data, 4, bus_module.MAX_MESSAGE_BYTES + 1)
    await peer.send(bytes(data))
    assert "at most" in str(await bus.wait_closed())


async def test_an_oversized_frame_ends_the_connection(peer: FakeQemu, bus: Bus) -> None:
    data = bytearray(frame(peer, 0))
    struct.pack_into("<I", data, 4, (128 << 20) + 1)
    await peer.send(bytes(data))
    assert isinstance(await bus.wait_closed(), DisplayProtocolError)


async def test_bytes_that_are_no_message_end_the_connection(peer: FakeQemu, bus: Bus) -> None:
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    await peer.receive()
    await peer.send(b"\r\nnonsense, all of it\r\n")
    assert isinstance(await bus.wait_closed(), wire.Unreadable)
    with pytest.raises(DisplayProtocolError):
        await call
    with pytest.raises(DisplayProtocolError):
        await bus.call("/a", "b.c", "Do")


async def test_a_body_that_cannot_be_read_ends_the_connection(peer: FakeQemu, bus: Bus) -> None:
    data = bytearray(peer.message("Echo", "s", "text"))
    data[-9:-5] = struct.pack("<I", 1 << 20)
    await peer.send(bytes(data))
    assert isinstance(await bus.wait_closed(), wire.Unreadable)


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


async def test_signals_reach_their_callback(peer: FakeQemu, bus: Bus, recorder: Recorder) -> None:
    await peer.send(peer.message("Changed", kind=MessageType.SIGNAL))
    assert (await peer.ask("Echo", "s", "x")).body == ["x"]
    assert recorder.signals == ["Changed"]
