import asyncio

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.keyboard import Keyboard
from tests.display.peer import FakeQemu


async def test_keys_of_several_callers_go_one_at_a_time_in_their_order() -> None:
    with FakeQemu() as peer:
        bus = Bus(peer.theirs)
        await peer.authenticate()
        keyboard = Keyboard(bus, "/org/qemu/Display1/Console_0")
        calls = [
            asyncio.create_task(send(qnum))
            for qnum in (0x1E, 0x1F)
            for send in (keyboard.press, keyboard.release)
        ]
        asked = []
        for _ in calls:
            message = await peer.receive()
            asked.append((message.member, message.body))
            assert peer.nothing_more(), "QEMU is asked again before it has answered"
            await peer.send(peer.reply_to(message))
        await asyncio.gather(*calls)
        bus.close()
    assert asked == [("Press", [0x1E]), ("Release", [0x1E]), ("Press", [0x1F]), ("Release", [0x1F])]
