// A connection's statistics, and what lies between two readings.
import assert from "node:assert/strict";
import { test } from "node:test";

import { between, codecWords, read } from "../../../../web/core/measure.js";
import { LATER, READING } from "../readings.js";

test("codecs are told with their chroma", () => {
  for (const [mime, parameters, words] of [
    ["video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=f4001f", "H.264 4:4:4"],
    ["video/H264", "profile-level-id=42e01f", "H.264 4:2:0"],
    ["video/VP8", "", "VP8 4:2:0"],
    ["video/VP9", "profile-id=1", "VP9 4:4:4"],
    ["video/VP9", "profile-id=0", "VP9 4:2:0"],
    ["", "", ""],
  ]) {
    assert.equal(codecWords(mime, parameters), words, mime);
  }
});

test("a flow is what lies between two readings", () => {
  assert.deepEqual(between(READING, LATER), {
    fps: 30,
    bitsPerSecond: 4_000_000,
    fractionLost: 0.01,
    decodeMs: 2,
    jitterBufferMs: 0.5,
    processingMs: null,
  });
});

test("while nothing comes there are rates, and no times", () => {
  const still = between(LATER, { ...LATER, at: 3000 });
  assert.deepEqual([still.fps, still.bitsPerSecond], [0, 0]);
  assert.deepEqual([still.decodeMs, still.jitterBufferMs, still.fractionLost], [null, null, null]);
});

/** A connection whose statistics are these. */
function connection(...entries) {
  return { getStats: async () => new Map(entries.map((entry) => [entry.id, entry])) };
}

const stream = { getVideoTracks: () => [{ id: "track" }] };

test("a reading is of the stream's own video", async () => {
  const video = { type: "inbound-rtp", timestamp: 5, codecId: "codec", frameWidth: 640, totalDecodeTime: 0.25 };
  const reading = await read(
    connection(
      { ...video, id: "1", trackIdentifier: "another", frameWidth: 1 },
      { ...video, id: "2", trackIdentifier: "track" },
      { id: "codec", type: "codec", mimeType: "video/VP8" },
      { id: "pair", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.004 },
    ),
    stream,
  );
  const { at, codec, width, decodeMs, roundTripMs, framesDecoded } = reading;
  assert.deepEqual({ at, codec, width, decodeMs, roundTripMs, framesDecoded }, {
    at: 5,
    codec: "VP8 4:2:0",
    width: 640,
    decodeMs: 250,
    roundTripMs: 4,
    framesDecoded: 0,
  });
});

test("without video there is no reading", async () => {
  assert.equal(await read(connection(), stream), null);
  assert.equal(await read(connection(), null), null);
});
