"""Whatever a QEMU sends that its guest has taken over: an error at most, of this connection, and nobody waits."""

import asyncio
import random
import socket
from contextlib import suppress
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant

from libvirt_webrtc.display import transport
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.errors import DisplayError
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.display.peer import FakeQemu
from tests.display.sink import Sink

LISTENER = "org.qemu.Display1.Listener"
PROPERTIES = "org.freedesktop.DBus.Properties"
MANAGER = "org.freedesktop.DBus.ObjectManager"
CALLS = [
    (LISTENER, "Scanout", ["u", "u", "u", "u", "ay"]),
    (LISTENER, "Update", ["i", "i", "i", "i", "u", "u", "ay"]),
    (LISTENER, "Disable", []),
    (LISTENER, "MouseSet", ["i", "i", "i"]),
    (LISTENER, "CursorDefine", ["i", "i", "i", "i", "ay"]),
    (f"{LISTENER}.Unix.Map", "ScanoutMap", ["h", "u", "u", "u", "u", "u"]),
    (f"{LISTENER}.Unix.Map", "UpdateMap", ["i", "i", "i", "i"]),
    (PROPERTIES, "GetAll", ["s"]),
    (PROPERTIES, "Get", ["s", "s"]),
    ("org.freedesktop.DBus.Peer", "Ping", []),
    (LISTENER, "Unknown", ["v"]),
]
SEEDS = range(4)
MESSAGES = 1500

NUL = "\x07NUL\x07"
"""Stands for a NUL in a string: dbus-fast, which writes these messages, refuses one."""


def value(rng: random.Random, kind: str) -> Any:
    match kind:
        case "u" | "h":
            return rng.choice([0, 1, 64, 640, 0x20020888, 2**32 - 1, rng.randrange(2**32)])
        case "i":
            return rng.choice([0, 1, -1, 64, -(2**31), 2**31 - 1, rng.randrange(-(2**31), 2**31)])
        case "ay":
            return rng.randbytes(rng.choice([0, 1, 4, 64, 1024]))
        case "v":
            return Variant(*rng.choice([("s", "x"), ("u", 1), ("as", ["", "x"]), ("a{sv}", {})]))
        case _:
            return rng.choice(["", LISTENER, PROPERTIES, "Interfaces", "x" * 300, f"a{NUL}b", "'\"%s\n"])


def damaged(rng: random.Random, data: bytes) -> bytes:
    """``data``, in one of three cases with some bytes replaced."""
    changed = bytearray(data.replace(NUL.encode(), bytes(len(NUL))))
    if rng.random() < 0.35:
        for _ in range(rng.choice([1, 1, 2, 5])):
            changed[rng.randrange(len(changed))] = rng.choice([0, 1, 255, rng.randrange(256)])
    return bytes(changed)


async def ignore(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while await loop.sock_recv(sock, 65536):
            pass


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_listener_takes_anything(seed: int) -> None:
    rng = random.Random(seed)
    defects: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: defects.append(context))
    sent = 0
    while sent < MESSAGES:
        with FakeQemu() as peer:
            listener = Listener(Framebuffer(), Sink())
            listener.attach(peer.theirs)
            await peer.authenticate()
            ignoring = asyncio.create_task(ignore(peer.sock))
            try:
                while sent < MESSAGES and not listener.closed:
                    sent += 1
                    interface, member, kinds = rng.choice(CALLS)
                    body = [value(rng, kind) for kind in kinds]
                    signature = "".join(kinds)
                    kind = rng.choice([MessageType.METHOD_CALL] * 8 + [MessageType.SIGNAL])
                    options: dict[str, Any] = {"interface": interface, "reply": rng.random() < 0.7}
                    await peer.send(
                        damaged(rng, peer.message(member, signature, *body, kind=kind, **options))
                    )
            except OSError:
                pass  # The listener has ended the connection.
            listener.close()
            await asyncio.wait([ignoring])
    assert defects == []


TREE = {
    "/org/qemu/Display1/VM": {"org.qemu.Display1.VM": {"Name": Variant("s", "demo")}},
    "/org/qemu/Display1/Console_0": {
        "org.qemu.Display1.Console": {"Label": Variant("s", f"VGA{NUL}"), "Width": Variant("u", 640)},
        "org.qemu.Display1.Keyboard": {"Modifiers": Variant("u", 0)},
    },
}


def signal(rng: random.Random, peer: FakeQemu) -> bytes:
    path = f"/org/qemu/Display1/Console_{rng.choice([0, 1, 99, 100, 2**40])}"
    kind = MessageType.SIGNAL
    match rng.randrange(3):
        case 0:
            changed = {"Label": value(rng, "v"), "Width": Variant("u", value(rng, "u"))}
            body = ["org.qemu.Display1.Console", changed, [value(rng, "s")]]
            return peer.message(
                "PropertiesChanged", "sa{sv}as", *body, interface=PROPERTIES, path=path, kind=kind
            )
        case 1:
            body = [path, TREE["/org/qemu/Display1/Console_0"]]
            return peer.message("InterfacesAdded", "oa{sa{sv}}", *body, interface=MANAGER, kind=kind)
        case _:
            body = [path, ["org.qemu.Display1.Console"]]
            return peer.message("InterfacesRemoved", "oas", *body, interface=MANAGER, kind=kind)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_display_takes_anything(seed: int) -> None:
    rng = random.Random(seed)
    defects: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: defects.append(context))
    for _ in range(60):
        with FakeQemu() as peer:
            opening = asyncio.create_task(Display.open(peer.theirs))
            await peer.authenticate()
            asked: Message = await peer.receive()
            try:
                await peer.send(damaged(rng, peer.reply_to(asked, "a{oa{sa{sv}}}", TREE)))
                for _ in range(20):
                    await peer.send(damaged(rng, signal(rng, peer)))
            except OSError:
                pass  # It has ended the connection.
            peer.sock.shutdown(socket.SHUT_RDWR)
            try:
                display = await opening
            except DisplayError:
                continue
            await display.wait_closed()
            assert len(display.consoles) <= 3
            display.close()
    assert defects == []


async def test_a_flood_of_small_messages_leaves_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback once read 16 MiB before it returned: 100,000 pointer positions, which take seconds."""
    with FakeQemu() as peer:
        sink = Sink()
        listener = Listener(Framebuffer(), sink)
        listener.attach(peer.theirs)
        await peer.authenticate()
        await peer.settle()
        moves = b"".join(peer.message("MouseSet", "iii", number, 0, 1) for number in range(600))
        # Each look at the clock finds the time used up.
        clock = iter(range(1_000_000))
        monkeypatch.setattr(transport, "monotonic", lambda: next(clock))
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * len(moves))
        assert peer.sock.send(moves) == len(moves)
        turns = []
        while len(sink.moves) < 600:
            await asyncio.sleep(0)
            turns.append(len(sink.moves))
        assert max(after - before for before, after in zip([0, *turns], turns, strict=False)) < 300
        listener.close()
