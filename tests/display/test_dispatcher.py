"""Calls and signals that come over a connection."""

import asyncio

import pytest
from dbus_fast import MessageType, Variant

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.unmarshal import Unreadable
from tests.display.peer import FakeQemu
from tests.display.recorder import INTERFACE, Recorder


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


async def test_signals_reach_their_callback(peer: FakeQemu, bus: Bus, recorder: Recorder) -> None:
    await peer.send(peer.message("Changed", kind=MessageType.SIGNAL))
    assert (await peer.ask("Echo", "s", "x")).body == ["x"]
    assert recorder.signals == ["Changed"]


async def test_a_flood_of_rejected_calls_is_one_line_in_the_log(
    peer: FakeQemu, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for _ in range(500):
        await peer.send(peer.message("Nothing") + peer.message("Refuse") + peer.message("Echo", "u", 1))
    assert (await peer.ask("Echo", "s", "still here")).body == ["still here"]
    assert bus.rejected == 1500
    assert [record.name for record in caplog.records if "rejected" in record.message] == [
        "libvirt_webrtc.display.dispatcher"
    ]


async def test_signals_and_replies_that_nobody_asked_for_are_ignored(
    peer: FakeQemu, bus: Bus, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    await peer.send(peer.message("Unheard", "av", [Variant("u", 1)], kind=MessageType.SIGNAL))
    await peer.send(peer.reply_to_nothing())
    assert (await peer.ask("Echo", "s", "still here")).body == ["still here"]
    assert bus.rejected == 0 and not caplog.records


async def test_a_message_of_unknown_type_is_ignored_with_its_fds(
    peer: FakeQemu, bus: Bus, recorder: Recorder, null: int
) -> None:
    call = asyncio.create_task(bus.call("/a", "b.c", "Do"))
    asked = await peer.receive()
    data = bytearray(peer.message("Take", "h", 0, fds=1))
    data[1] = 9
    await peer.send(bytes(data), (null,))
    data = bytearray(peer.reply_to(asked))
    data[1] = 200
    await peer.send(bytes(data))
    assert (await peer.ask("Echo", "s", "still here")).body == ["still here"]
    assert recorder.taken == [] and not call.done()
    call.cancel()


async def test_unknown_flags_are_ignored(peer: FakeQemu, bus: Bus) -> None:
    data = bytearray(peer.message("Echo", "s", "x", reply=True))
    data[2] |= 0xF8
    await peer.send(bytes(data))
    assert (await peer.receive()).body == ["x"]


async def test_a_field_of_the_wrong_type_ends_this_connection_and_is_named(peer: FakeQemu, bus: Bus) -> None:
    data = peer.message("Echo", "s", "x").replace(b"\x03\x01s\0", b"\x03\x01o\0")
    await peer.send(data)
    reason = await bus.wait_closed()
    assert isinstance(reason, Unreadable) and "field 3 of type 'o'" in str(reason)


async def test_nested_variants_end_this_connection_and_not_the_process(peer: FakeQemu, bus: Bus) -> None:
    depth = 300_000
    data = bytearray(peer.message("Deep", "v", Variant("y", 1), kind=MessageType.SIGNAL))
    value = b"\1y\0\1"
    assert data.endswith(value)
    data[-len(value) :] = b"\1v\0" * depth + value
    data[4:8] = (3 * depth + len(value)).to_bytes(4, "little")
    await peer.send(bytes(data))
    assert isinstance(await bus.wait_closed(), Unreadable)
