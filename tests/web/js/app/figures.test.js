// What the stats overlay makes of the browser's and the server's figures.
import assert from "node:assert/strict";
import { test } from "node:test";

import { figures, inWords } from "../../../../web/app/figures.js";
import { between } from "../../../../web/core/measure.js";
import { LATER, READING, SERVER } from "../readings.js";

const made = (parts) =>
  figures({ reading: LATER, flow: null, server: null, inputRoundTripMs: 6, shownMs: null, last: null, ...parts });

const NOW = between(READING, LATER);

test("glass to glass is server, network and browser", () => {
  const known = made({ flow: NOW, server: SERVER, shownMs: 20 });
  assert.equal(known.glassToGlassMs, 8 + 4 / 2 + 20);
  const words = inWords(known);
  assert.deepEqual([words.total, words.codec, words.picture], ["30 ms", "H.264 4:4:4", "1920 × 1080"]);
  assert.deepEqual([words.layer, words.reason, words.dropped], ["Full", "full quality", "3"]);
  assert.equal(words.encoder, "libx264 (no hardware)");
  assert.deepEqual([words.path, words["path-reason"]], [LATER.path, LATER.pathReason]);
  assert.deepEqual([words.rate, words.fps, words.loss], ["4.0 Mbit/s", "30 fps", "1.0 %"]);
});

test("a browser that does not tell when a frame is shown is estimated", () => {
  assert.equal(made({ flow: NOW, server: SERVER }).glassToGlassMs, 8 + 4 / 2 + 2.5);
});

test("while nothing moves the last frame's times stand, and rates do not", () => {
  const last = made({ flow: NOW, server: SERVER });
  const kept = made({ flow: between(LATER, { ...LATER, at: 3000 }), server: SERVER, last });
  assert.equal(kept.glassToGlassMs, last.glassToGlassMs);
  assert.equal(inWords(kept).fps, "0 fps");
});

test("what is not known is a dash", () => {
  const known = made({ reading: { ...LATER, roundTripMs: null } });
  assert.deepEqual([known.glassToGlassMs, known.roundTripMs], [null, 6]);
  const words = inWords(known);
  assert.deepEqual([words.total, words.server, words.fps], ["–", "–", "–"]);
  assert.deepEqual(new Set(Object.values(inWords(null))), new Set(["–", ""]));
});

test("rates and times have a unit that fits", () => {
  const rate = (bitsPerSecond) => inWords(made({ flow: { ...NOW, bitsPerSecond } })).rate;
  assert.deepEqual([rate(0), rate(999_400), rate(999_500)], ["0 kbit/s", "999 kbit/s", "1.0 Mbit/s"]);
  const input = (inputRoundTripMs) => inWords(made({ inputRoundTripMs })).input;
  assert.deepEqual([input(9.94), input(9.95), input(123.4)], ["9.9 ms", "10 ms", "123 ms"]);
});
