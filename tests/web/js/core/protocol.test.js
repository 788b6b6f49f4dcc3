// web/core/protocol.js against docs/protocol.md.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as protocol from "../../../../web/core/protocol.js";
import { bytes, hex } from "../support.js";

/** @param {string} text hexadecimal digits, with blanks, or "text" in quotes */
const decoded = (text) => protocol.decodeDisplay(bytes(text).buffer);

test("encodes every message of the input channel", () => {
  for (const [message, expected] of [
    [protocol.encodeKey("KeyA", true), "01 01 'KeyA'"],
    [protocol.encodeKey("ControlLeft", false), "01 00 'ControlLeft'"],
    [protocol.encodeMoveTo(1023, 767), "02 03ff 02ff"],
    [protocol.encodeMoveTo(-5, 70000), "02 0000 ffff"],
    [protocol.encodeMoveBy(-3, 40000), "03 fffd 7fff"],
    [protocol.encodeButton(4, true), "04 04 01"],
    [protocol.encodeWheel(-1, 100), "05 ff 14"],
    [protocol.encodeReleaseAll(), "06"],
    [protocol.encodePing(4294967295), "07 ffffffff"],
    [protocol.encodeWantStats(true), "08 01"],
    [protocol.encodeWatch(false), "09 00"],
    [protocol.encodeResize({ width: 1366, height: 768.4, widthMm: 361.6, heightMm: -1 }), "0a 0556 0300 016a 0000"],
  ]) {
    assert.equal(hex(message), hex(bytes(expected)), expected);
  }
});

test("decodes every message of the display channel", () => {
  const stats = { viewer: { layer: "full" }, rendition: null };
  for (const [message, expected] of [
    ["81 03ff 02ff", { type: "size", width: 1023, height: 767 }],
    ["82 00", { type: "pointer-mode", absolute: false }],
    ["84 fffe 0009 01", { type: "cursor-position", x: -2, y: 9, visible: true }],
    ["85 04", { type: "leds", scrollLock: false, numLock: false, capsLock: true }],
    ["86 00", { type: "enabled", enabled: false }],
    ["87 00000100", { type: "pong", value: 256 }],
    ["8d 'Over.'", { type: "ended", text: "Over." }],
    ["88 01", { type: "state", paused: true }],
    [`89 '${JSON.stringify(stats)}'`, { type: "stats", ...stats }],
    [`8a '{"consoles": [{"index": 0}]}'`, { type: "consoles", consoles: [{ index: 0 }] }],
    ["8b 01", { type: "resized", taken: true }],
    ["8f 00", { type: "role", role: "view" }],
    ["8f 03", { type: "role", role: "admin" }],
    ["8e 02", { type: "reduced", factor: 2 }],
    ["8c 'No XR24.'", { type: "problem", text: "No XR24." }],
    ["8c", { type: "problem", text: "" }],
    ["f0 'of a newer server'", null],
  ]) {
    assert.deepEqual(decoded(message), expected, message);
  }
});

test("decodes a cursor", () => {
  const { rgba, ...rest } = decoded("83 0002 0001 0001 0000 00010203 04050607");
  assert.deepEqual(rest, { type: "cursor", width: 2, height: 1, hotX: 1, hotY: 0 });
  assert.deepEqual([...rgba], [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("refuses a body that is none of its type's", () => {
  for (const message of [
    "",
    "81 00",
    "86 00 00",
    "83 0002 0001 0000 0000 00010203 040506",
    "83 0201 0000 0000 0000",
    "83 0001",
    "89 '{'",
    "89 'null'",
    "8a '{}'",
    "8b",
    "8f 04",
  ]) {
    assert.throws(() => decoded(message), protocol.ProtocolError, message);
  }
});

test("refuses what is no key code", () => {
  for (const code of ["", "Key A", "Tasté", "K".repeat(33)]) {
    assert.equal(protocol.isKeyCode(code), false, code);
    assert.throws(() => protocol.encodeKey(code, true), protocol.ProtocolError, code);
  }
});
