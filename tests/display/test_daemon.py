"""QEMU's display over a real dbus-daemon."""

import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus as Client

from libvirt_webrtc.display.address import connect, parse_address
from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.daemon import DAEMON, DAEMON_PATH, QEMU, join
from libvirt_webrtc.display.display import ROOT, Display
from libvirt_webrtc.errors import DisplayClosed, DisplayError
from tests.display.guest import Guest, eventually, show, size, tap
from tests.display.peer import open_fds
from tests.support.dbus import MessageBus, bus_of_another_user
from tests.support.emulators import Emulator

F1 = 0x3B


@pytest.fixture
def message_bus(tmp_path: Path) -> Iterator[MessageBus]:
    with MessageBus(tmp_path) as running:
        yield running


async def other(message_bus: MessageBus) -> Client:
    """Another program on the bus, which can do what QEMU does not."""
    return await Client(bus_address=message_bus.address).connect()


async def names(client: Client) -> list[str]:
    """The names of all who are on the bus."""
    reply = await client.call(
        Message(destination=DAEMON, path=DAEMON_PATH, interface=DAEMON, member="ListNames")
    )
    assert reply is not None
    found: list[str] = reply.body[0]
    return found


async def joined(message_bus: MessageBus, heard: list[str]) -> Bus:
    sock, _ = connect(parse_address(message_bus.address))
    return await join(sock, on_signal=lambda message: heard.append(message.header.member))


def signal(member: str, destination: str | None = None) -> Message:
    return Message(
        path=ROOT,
        interface="a.b",
        member=member,
        message_type=MessageType.SIGNAL,
        destination=destination,
    )


@pytest.fixture
async def qemu(disk: Path, emulator: Emulator, message_bus: MessageBus) -> AsyncIterator[Guest]:
    async with Guest(disk, emulator, display=f"dbus,addr={message_bus.address}") as running:
        yield running


async def test_a_bus_without_qemu_says_what_to_start(message_bus: MessageBus) -> None:
    before = open_fds()
    with pytest.raises(DisplayError, match="nobody on the bus is named org.qemu: start QEMU with"):
        await joined(message_bus, [])
    assert open_fds() == before


async def test_only_qemus_signals_are_heard_and_its_end_ends_the_connection(message_bus: MessageBus) -> None:
    heard: list[str] = []
    qemu, stranger = await other(message_bus), await other(message_bus)
    await qemu.request_name(QEMU)
    bus = await joined(message_bus, heard)
    assert bus.destination == qemu.unique_name

    await stranger.send(signal("Spoofed"))
    for name in await names(stranger):
        await stranger.send(signal("SpoofedToUs", name))
    await names(stranger)
    await qemu.send(signal("Changed"))
    await eventually(lambda: bool(heard), "QEMU's signal")
    assert heard == ["Changed"]

    stranger.disconnect()
    await names(qemu)
    assert not bus.closed
    qemu.disconnect()
    assert "QEMU has left the bus" in str(await bus.wait_closed())


async def test_the_name_in_other_hands_is_another_qemu(message_bus: MessageBus) -> None:
    first, second = await other(message_bus), await other(message_bus)
    await first.request_name(QEMU)
    await second.request_name(QEMU)  # It waits in the queue.
    bus = await joined(message_bus, [])
    first.disconnect()
    assert isinstance(await bus.wait_closed(), DisplayClosed)
    again = await joined(message_bus, [])
    assert again.destination != bus.destination
    again.close()
    second.disconnect()


async def test_calls_of_others_are_answered_over_the_bus(message_bus: MessageBus) -> None:
    """Any program on a bus may ask; what is not there is an error that reaches whoever asked."""
    qemu, stranger = await other(message_bus), await other(message_bus)
    await qemu.request_name(QEMU)
    before = await names(stranger)
    bus = await joined(message_bus, [])
    (ours,) = set(await names(stranger)) - set(before)
    reply = await stranger.call(Message(destination=ours, path="/a", interface="b.c", member="Do"))
    assert reply is not None and reply.error_name == "org.freedesktop.DBus.Error.UnknownMethod"
    assert not bus.closed
    bus.close()
    for each in (stranger, qemu):
        each.disconnect()


async def test_a_display_over_a_bus_shows_types_and_follows(qemu: Guest, message_bus: MessageBus) -> None:
    sock, _ = connect(parse_address(message_bus.address))
    display = await Display.open(sock, on_bus=True)
    console = display.consoles[0]
    listener = await show(console)
    await qemu.booted()
    await eventually(lambda: size(listener) == (720, 400), "the text mode is shown")
    await tap(console, F1)
    await eventually(lambda: size(listener) == (640, 480), "640x480")
    # The console's own size comes by a signal.
    await eventually(lambda: (console.width, console.height) == (640, 480), "the size is told")

    qemu.process.kill()
    assert "left the bus" in str(await display.wait_closed())
    assert listener.bus is not None
    await listener.bus.wait_closed()
    display.close()


async def test_two_programs_use_a_display_over_a_bus_at_once(qemu: Guest, message_bus: MessageBus) -> None:
    displays = []
    for _ in range(2):
        sock, _ = connect(parse_address(message_bus.address))
        displays.append(await Display.open(sock, on_bus=True))
    listeners = [await show(display.consoles[0]) for display in displays]
    for listener in listeners:
        await eventually(partial(size, listener), "a picture")
    assert not any(display.bus.closed for display in displays)
    for display in displays:
        display.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_a_bus_of_another_user_says_whom_it_lets_in() -> None:
    with bus_of_another_user() as theirs:
        with pytest.raises(DisplayError, match="as a rule it lets in only the user who runs it"):
            await joined(theirs, [])
