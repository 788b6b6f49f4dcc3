"""A small VNC client: RFB 3.8 (RFC 6143) without authentication, raw pictures, keys and pointer."""

import asyncio
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from examples.guests.layout import Rgb

DEADLINE_S = 60.0
"""The limit of every wait, in seconds: only against waiting for ever."""

VERSION = b"RFB 003.008\n"
SECURITY_NONE = 1
SET_PIXEL_FORMAT, SET_ENCODINGS, UPDATE_REQUEST, KEY_EVENT, POINTER_EVENT = 0, 2, 3, 4, 5
FRAMEBUFFER_UPDATE, COLOUR_MAP, BELL, CUT_TEXT = range(4)
RAW, DESKTOP_SIZE = 0, -223
X8R8G8B8 = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
"""The pixel format that is asked for: 32 bits a pixel, little-endian, in memory B, G, R, X."""


class RfbError(RuntimeError):
    """The server sent what this client does not know."""


class Rfb:
    """One connected client; ``async with`` ends it.

    Attributes:
        name: the desktop's, as the server tells it.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._picture = np.zeros((0, 0, 4), np.uint8)
        self.name = ""

    @classmethod
    async def connect_unix(cls, path: Path) -> Self:
        """Connect to the Unix socket at ``path``."""
        async with asyncio.timeout(DEADLINE_S):
            self = cls(*await asyncio.open_unix_connection(path))
            await self._handshake()
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def picture(self) -> Rgb:
        """Return the whole picture that the server shows now."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                height, width = self._picture.shape[:2]
                self._writer.write(struct.pack(">BBHHHH", UPDATE_REQUEST, 0, 0, 0, width, height))
                if not await self._update():  # else its size is another one now: once more
                    return self._picture[:, :, 2::-1].copy()

    async def press(self, keysym: int) -> None:
        """Press and release one key, named by its X11 keysym."""
        for down in (1, 0):
            self._writer.write(struct.pack(">BBxxI", KEY_EVENT, down, keysym))
        await self._writer.drain()

    async def point_at(self, x: int, y: int, buttons: int = 0) -> None:
        """Put the pointer on this pixel, with these buttons (bit 0 left, 1 middle, 2 right) held."""
        self._writer.write(struct.pack(">BBHH", POINTER_EVENT, buttons, x, y))
        await self._writer.drain()

    async def _handshake(self) -> None:
        if await self._reader.readexactly(len(VERSION)) != VERSION:
            raise RfbError("not RFB 3.8")
        self._writer.write(VERSION)
        (count,) = await self._unpack(">B")
        if SECURITY_NONE not in await self._reader.readexactly(count):
            raise RfbError("the server wants a password")
        self._writer.write(bytes([SECURITY_NONE]))
        if (await self._unpack(">I"))[0] != 0:
            raise RfbError("refused")
        self._writer.write(b"\1")  # shared: others stay connected
        width, height, length = await self._unpack(">HH16xI")
        self.name = (await self._reader.readexactly(length)).decode()
        self._resize(width, height)
        self._writer.write(struct.pack(">B3x16s", SET_PIXEL_FORMAT, X8R8G8B8))
        self._writer.write(struct.pack(">BxHii", SET_ENCODINGS, 2, RAW, DESKTOP_SIZE))

    async def _update(self) -> bool:
        """Read one update into the picture, and what may come before it; whether the size changed."""
        while (kind := (await self._unpack(">B"))[0]) != FRAMEBUFFER_UPDATE:
            if kind == COLOUR_MAP:
                await self._reader.readexactly(6 * (await self._unpack(">xHH"))[1])
            elif kind == CUT_TEXT:
                await self._reader.readexactly((await self._unpack(">xxxI"))[0])
            elif kind != BELL:
                raise RfbError(f"message {kind}")
        resized = False
        for _ in range((await self._unpack(">xH"))[0]):
            x, y, width, height, encoding = await self._unpack(">HHHHi")
            if encoding == DESKTOP_SIZE:
                self._resize(width, height)
                resized = True
            elif encoding == RAW:
                data = await self._reader.readexactly(width * height * 4)
                part = np.frombuffer(data, np.uint8).reshape(height, width, 4)
                self._picture[y : y + height, x : x + width] = part
            else:
                raise RfbError(f"encoding {encoding}")
        return resized

    def _resize(self, width: int, height: int) -> None:
        self._picture = np.zeros((height, width, 4), np.uint8)

    async def _unpack(self, form: str) -> tuple[int, ...]:
        return struct.unpack(form, await self._reader.readexactly(struct.calcsize(form)))
