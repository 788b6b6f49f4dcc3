"""web/core/protocol.js against docs/protocol.md. Tables, because each test starts a Chromium."""

import struct

import pytest
from playwright.async_api import Page

from tests.web.conftest import run

pytestmark = pytest.mark.browser
MODULE = "core/protocol.js"

ENCODED = {
    "encodeKey('KeyA', true)": b"\x01\x01KeyA",
    "encodeKey('ControlLeft', false)": b"\x01\x00ControlLeft",
    "encodeMoveTo(1023, 767)": struct.pack(">BHH", 2, 1023, 767),
    "encodeMoveTo(-5, 70000)": struct.pack(">BHH", 2, 0, 65535),
    "encodeMoveBy(-3, 40000)": struct.pack(">Bhh", 3, -3, 32767),
    "encodeButton(4, true)": b"\x04\x04\x01",
    "encodeWheel(-1, 100)": struct.pack(">Bbb", 5, -1, 20),
    "encodeReleaseAll()": b"\x06",
    "encodePing(4294967295)": b"\x07\xff\xff\xff\xff",
    "encodeWantStats(true)": b"\x08\x01",
    "encodeWatch(false)": b"\x09\x00",
    "encodeResize({width: 1366, height: 768.4, widthMm: 361.6, heightMm: -1})": b"\x0a"
    + struct.pack(">HHHH", 1366, 768, 362, 0),
}

DECODED: dict[bytes, dict[str, object] | None] = {
    struct.pack(">BHH", 0x81, 1023, 767): {"type": "size", "width": 1023, "height": 767},
    b"\x82\x00": {"type": "pointer-mode", "absolute": False},
    struct.pack(">BhhB", 0x84, -2, 9, 1): {"type": "cursor-position", "x": -2, "y": 9, "visible": True},
    b"\x85\x04": {"type": "leds", "scrollLock": False, "numLock": False, "capsLock": True},
    b"\x86\x00": {"type": "enabled", "enabled": False},
    b"\x87\x00\x00\x01\x00": {"type": "pong", "value": 256},
    b"\x88\x01": {"type": "state", "paused": True},
    b'\x89{"viewer": {"layer": "full"}, "rendition": null}': {
        "type": "stats",
        "viewer": {"layer": "full"},
        "rendition": None,
    },
    b'\x8a{"consoles": [{"index": 0}]}': {"type": "consoles", "consoles": [{"index": 0}]},
    b"\x8b\x01": {"type": "resized", "taken": True},
    b"\x8cNo XR24.": {"type": "problem", "text": "No XR24."},
    b"\x8c": {"type": "problem", "text": ""},
    b"\xf0 of a newer server": None,
}

WRONG_BODY = [
    b"",
    b"\x81\x00",
    b"\x86\x00\x00",
    struct.pack(">BHHHH", 0x83, 2, 1, 0, 0) + bytes(7),
    struct.pack(">BHHHH", 0x83, 513, 0, 0, 0),
    b"\x89{",
    b"\x89null",
    b"\x8a{}",
    b"\x8b",
]


async def test_encodes(page: Page) -> None:
    for call, expected in ENCODED.items():
        assert bytes(await run(page, MODULE, f"return [...m.{call}]")) == expected, call


async def test_decodes(page: Page) -> None:
    for message, expected in DECODED.items():
        decoded = await run(page, MODULE, "return m.decodeDisplay(new Uint8Array(a).buffer)", list(message))
        assert decoded == expected, message


async def test_decodes_a_cursor(page: Page) -> None:
    message = struct.pack(">BHHHH", 0x83, 2, 1, 1, 0) + bytes(range(8))
    body = "const {rgba, ...rest} = m.decodeDisplay(new Uint8Array(a).buffer); return [rest, [...rgba]]"
    rest, rgba = await run(page, MODULE, body, list(message))
    assert rest == {"type": "cursor", "width": 2, "height": 1, "hotX": 1, "hotY": 0}
    assert bytes(rgba) == bytes(range(8))


async def test_refuses_a_body_that_is_none_of_the_types(page: Page) -> None:
    body = (
        "try { m.decodeDisplay(new Uint8Array(a).buffer) } catch (e) { return e instanceof m.ProtocolError }"
    )
    for message in WRONG_BODY:
        assert await run(page, MODULE, body, list(message)) is True, message


async def test_refuses_what_is_no_key_code(page: Page) -> None:
    for code in ["", "Key A", "Tasté", "K" * 33]:
        assert await run(page, MODULE, "return m.isKeyCode(a)", code) is False, code
