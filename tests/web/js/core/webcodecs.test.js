// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { codecOf, decodableFormats } from "../../../../web/core/webcodecs.js";
import { whyNoWebCodecs } from "../../../../web/core/webrtc-memory.js";

/** @param {import("../../../../web/core/stream-protocol.js").FormatName} format @param {...number} bytes */
const picture = (format, ...bytes) => ({
  format,
  keyframe: true,
  timestamp: 0,
  width: 64,
  height: 48,
  data: new Uint8Array(bytes),
});

test("H.264's codec is the profile and level that its pictures tell", () => {
  const sei = [0, 0, 0, 1, 6, 5, 1, 0xff, 0x80];
  assert.equal(codecOf(picture("H264", ...sei, 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 1)), "avc1.42c01f");
  assert.equal(codecOf(picture("H264_444", 0, 0, 1, 0x67, 0xf4, 0, 0x34, 1)), "avc1.f40034");
  assert.equal(codecOf(picture("H264", 0, 0, 1, 0x65, 1, 2, 3, 4)), "avc1.42E028", "one without has the format's own");
});

test("other formats have one codec each", () => {
  assert.equal(codecOf(picture("VP8", 1)), "vp8");
  assert.equal(codecOf(picture("VP9_444", 1)), "vp09.01.40.08.03");
});

test("where there is no WebCodecs nothing is decoded, and the reason is said", async () => {
  assert.match(whyNoWebCodecs(), /https:\/\/|newer/);
  assert.deepEqual(await decodableFormats(), []);
});
