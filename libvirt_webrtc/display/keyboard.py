"""``org.qemu.Display1.Keyboard``: keys by qnum (XT scan codes of set 1; ``E0 xx`` is ``xx | 0x80``), and the LEDs."""

import asyncio

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.calls import CallFailed
from libvirt_webrtc.errors import InputRejected

INTERFACE = "org.qemu.Display1.Keyboard"
MAX_QNUM = 0xFF

KEY_INTERVAL_S = 0.004
"""Pause between a key's reply and the next key, in seconds, for the guest to read the key. QEMU's PS/2 queue has 16
bytes and drops what does not fit, and the reply comes before the guest has read anything: on a busy host 83 of 200
events were lost without a pause, and none with 2 ms."""


class Keyboard:
    """One console's keyboard. Keys are sent one after the other, in the order of the calls.

    Attributes:
        modifiers: the LEDs that the guest has switched on: 1 Scroll Lock, 2 Num Lock, 4 Caps Lock.
    """

    def __init__(self, bus: Bus, path: str) -> None:
        self.modifiers = 0
        self._bus = bus
        self._path = path
        # One key at a time: QEMU's keyboards lose keys that come in a burst (of 40 pairs at once 17 arrived).
        self._turn = asyncio.Lock()
        self._next = 0.0

    async def press(self, qnum: int) -> None:
        """Press a key; one that is down already repeats. May be cancelled while it waits for its turn.

        Raises:
            InputRejected: ``qnum`` is no key, or QEMU refuses it.
            DisplayError: QEMU has gone. One that stands still is waited for: it takes the key when it goes on.
        """
        await self._send("Press", qnum)

    async def release(self, qnum: int) -> None:
        """Release a key; one that is up already stays up. As :meth:`press` otherwise."""
        await self._send("Release", qnum)

    def post_release(self, qnum: int) -> None:
        """Send a release now, ahead of what waits for its turn, and wait for nothing.

        QEMU passes it on only if a client of its D-Bus display holds the key (``ui/kbd-state.c``).
        """
        self._bus.post(self._path, INTERFACE, "Release", "u", (qnum,))

    async def _send(self, member: str, qnum: int) -> None:
        if not 0 < qnum <= MAX_QNUM:
            raise InputRejected(f"{qnum} is no key")
        async with self._turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            try:
                await self._bus.call(self._path, INTERFACE, member, "u", (qnum,), timeout_s=None)
            except CallFailed as error:
                raise InputRejected(f"key {qnum:#x}: {error}") from error
            finally:
                self._next = loop.time() + KEY_INTERVAL_S
