import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { Backoff, pause } from "../../../../web/core/backoff.js";

test("waits double up to a limit, and begin anew after a success", () => {
  const backoff = new Backoff();
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [300, 600, 1200, 2400, 4800, 5000]);
  assert.equal(backoff.next(), 5000);
  backoff.reset();
  assert.equal(backoff.next(), 300);
});

test("a wait leaves nothing behind on the signal that could have ended it", async () => {
  const life = new AbortController();
  for (let i = 0; i < 3; i++) await pause(0, life.signal);
  assert.equal(getEventListeners(life.signal, "abort").length, 0);
  const waiting = pause(1_000_000, life.signal);
  life.abort();
  await waiting;
});
