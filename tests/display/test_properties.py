"""An object tree that says more, or other, than we know."""

import asyncio

from dbus_fast import MessageType, Variant

from libvirt_webrtc.display import console
from libvirt_webrtc.display.display import OBJECT_MANAGER, VM, Display
from libvirt_webrtc.display.exports import PROPERTIES
from libvirt_webrtc.display.properties import MAX_TEXT
from tests.display.peer import FakeQemu

CONSOLE_PATH = "/org/qemu/Display1/Console_0"
TREE = {
    "/org/qemu/Display1/VM": {VM: {"Name": Variant("s", "demo"), "UUID": Variant("u", 7)}},
    CONSOLE_PATH: {
        console.INTERFACE: {
            "Label": Variant("s", "x" * 100_000),
            "Type": Variant("s", "Graphic"),
            "Width": Variant("s", "wide"),
            "Height": Variant("u", 480),
            "Later": Variant("a{sv}", {"deep": Variant("v", Variant("u", 1))}),
        },
        "org.qemu.Display1.Later": {"Anything": Variant("(us)", [1, "a"])},
    },
    "/org/qemu/Display1/Later_0": {"org.qemu.Display1.Later": {}},
}


async def test_what_is_unknown_or_of_another_type_is_ignored() -> None:
    with FakeQemu() as peer:
        opening = asyncio.create_task(Display.open(peer.theirs))
        await peer.authenticate()
        await peer.send(peer.reply_to(await peer.receive(), "a{oa{sa{sv}}}", TREE))
        display = await opening
        assert (display.name, display.uuid, list(display.consoles)) == ("demo", "", [0])
        shown = display.consoles[0]
        assert (shown.kind, shown.width, shown.height, len(shown.label)) == ("Graphic", 0, 480, MAX_TEXT)

        changed = asyncio.Event()
        shown.on_change = lambda: changed.set() if shown.width else None
        kind = MessageType.SIGNAL
        for member, interface, signature, body in (
            ("Later", "org.qemu.Display1.Later", "u", [1]),
            ("PropertiesChanged", PROPERTIES, "u", [1]),
            ("PropertiesChanged", PROPERTIES, "sa{sv}as", ["org.qemu.Later", {"A": Variant("u", 1)}, ["B"]]),
            ("InterfacesRemoved", OBJECT_MANAGER, "oas", [CONSOLE_PATH, ["org.qemu.Display1.Later"]]),
            (
                "PropertiesChanged",
                PROPERTIES,
                "sa{sv}as",
                [console.INTERFACE, {"Width": Variant("u", 640)}, []],
            ),
        ):
            await peer.send(
                peer.message(member, signature, *body, interface=interface, path=CONSOLE_PATH, kind=kind)
            )
        async with asyncio.timeout(30):
            await changed.wait()
        assert (shown.width, shown.height) == (640, 480) and not display.bus.closed
        display.close()


async def test_an_answer_of_another_type_is_an_error_that_names_it() -> None:
    with FakeQemu() as peer:
        opening = asyncio.create_task(Display.open(peer.theirs))
        await peer.authenticate()
        await peer.send(peer.reply_to(await peer.receive(), "u", 1))
        await asyncio.wait([opening])
        assert "GetManagedObjects answered 'u'" in str(opening.exception())


async def test_only_consoles_with_an_index_below_100_are_known() -> None:
    """What comes of a console is kept after it has gone: a guest's QEMU must not name ever more of them."""
    tree = {
        f"/org/qemu/Display1/Console_{index}": {"org.qemu.Display1.Console": {"Label": Variant("s", "VGA")}}
        for index in (0, 99, 100, 9999)
    }
    with FakeQemu() as peer:
        opening = asyncio.create_task(Display.open(peer.theirs))
        await peer.authenticate()
        await peer.send(peer.reply_to(await peer.receive(), "a{oa{sa{sv}}}", tree))
        display = await opening
        assert sorted(display.consoles) == [0, 99]
        display.close()
