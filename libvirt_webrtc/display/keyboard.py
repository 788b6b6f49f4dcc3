"""``org.qemu.Display1.Keyboard``: keys by qnum (XT set 1; ``E0 xx`` is ``xx | 0x80``), and the LEDs."""

import asyncio

from libvirt_webrtc.display.bus import Bus, CallFailed
from libvirt_webrtc.errors import InputRejected

INTERFACE = "org.qemu.Display1.Keyboard"
MAX_QNUM = 0xFF

KEY_INTERVAL_S = 0.004
"""Left to the guest between a key's reply and the next key. QEMU's PS/2 queue has 16 bytes and drops what
does not fit, and its reply says nothing about the guest: without a pause a busy host lost 83 of 200 events,
with 2 ms none."""


class Keyboard:
    """One console's keyboard; keys go one after the other, in the order of the calls.

    Attributes:
        modifiers: the LEDs as the guest sets them: 1 Scroll Lock, 2 Num Lock, 4 Caps Lock.
    """

    def __init__(self, bus: Bus, path: str) -> None:
        self.modifiers = 0
        self._bus = bus
        self._path = path
        # QEMU's keyboards lose keys that come in a burst (of 40 pairs at once 17 arrived): one at a time,
        # in order.
        self._turn = asyncio.Lock()
        self._next = 0.0

    async def press(self, qnum: int) -> None:
        """Raises InputRejected for what is no qnum or QEMU refuses; repeats are allowed."""
        await self._send("Press", qnum)

    async def release(self, qnum: int) -> None:
        """As ``press``; releasing a key that is up does nothing."""
        await self._send("Release", qnum)

    async def _send(self, member: str, qnum: int) -> None:
        if not 0 < qnum <= MAX_QNUM:
            raise InputRejected(f"{qnum} is no key")
        async with self._turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            try:
                await self._bus.call(self._path, INTERFACE, member, "u", (qnum,))
            except CallFailed as error:
                raise InputRejected(f"key {qnum:#x}: {error}") from error
            finally:
                self._next = loop.time() + KEY_INTERVAL_S
