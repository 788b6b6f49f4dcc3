// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { ProtocolError } from "../../../../web/core/protocol.js";
import {
  decodeWelcome,
  encodeHello,
  encodeReceived,
  encodeWantKeyframe,
  FrameAssembler,
  isFrame,
  toConsole,
} from "../../../../web/core/stream-protocol.js";

/** @param {...number} bytes */
const buffer = (...bytes) => new Uint8Array(bytes).buffer;
const HEAD = [2, 0, 0, 1, 0, 2, 128, 1, 224];
const text = (/** @type {string} */ words) => [...new TextEncoder().encode(words)];

test("messages to the server begin with their console", () => {
  assert.deepEqual([...toConsole(3, new Uint8Array([9, 1]))], [3, 9, 1]);
  assert.deepEqual([...encodeHello(1, ["VP8"])], [1, 0x40, ...text('{"formats":["VP8"]}')]);
  assert.deepEqual([...encodeReceived(0, 258)], [0, 0x41, 0, 0, 1, 2]);
  assert.deepEqual([...encodeReceived(0, 2 ** 32 + 5)], [0, 0x41, 0, 0, 0, 5]);
  assert.deepEqual([...encodeWantKeyframe(7)], [7, 0x42]);
});

test("a welcome tells the formats that this page knows", () => {
  assert.deepEqual(decodeWelcome(buffer(0, 0xc0, ...text('{"formats":["H264","AV2","VP8"]}'))), ["H264", "VP8"]);
  assert.equal(decodeWelcome(buffer(0, 0x81, 0)), null);
  assert.throws(() => decodeWelcome(buffer(0, 0xc0, ...text("{}"))), ProtocolError);
});

test("a picture is put together from its parts", () => {
  const frames = new FrameAssembler();
  assert.ok(isFrame(buffer(0, 0xc1, 7)) && !isFrame(buffer(0, 0x81)));
  assert.equal(frames.add(buffer(0, 0xc1, 3, ...HEAD, 10, 11)), null);
  assert.equal(frames.add(buffer(0, 0xc1, 1, 12)), null);
  const picture = frames.add(buffer(0, 0xc1, 5, 13));
  assert.deepEqual(picture && { ...picture, data: [...picture.data] }, {
    format: "VP8",
    keyframe: true,
    timestamp: 256,
    width: 640,
    height: 480,
    data: [10, 11, 12, 13],
  });
  const small = frames.add(buffer(0, 0xc1, 6, ...HEAD, 1));
  assert.equal(small?.keyframe, false);
});

test("a picture that is begun anew replaces what was there of the one before", () => {
  const frames = new FrameAssembler();
  frames.add(buffer(0, 0xc1, 2, ...HEAD, 1, 2));
  const picture = frames.add(buffer(0, 0xc1, 7, ...HEAD, 3));
  assert.deepEqual([...(picture?.data ?? [])], [3]);
});

test("what is no picture is refused", () => {
  for (const bad of [[0, 0xc1], [0, 0xc1, 7], [0, 0xc1, 7, 1, 2, 3], [0, 0xc1, 4, 1], [0, 0xc1, 7, 99, ...HEAD.slice(1)]]) {
    assert.throws(() => new FrameAssembler().add(buffer(...bad)), ProtocolError, String(bad));
  }
});
