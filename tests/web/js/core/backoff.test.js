import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../../../web/core/backoff.js";

test("waits double up to a limit, and begin anew after a success", () => {
  const backoff = new Backoff();
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [300, 600, 1200, 2400, 4800, 5000]);
  assert.equal(backoff.next(), 5000);
  backoff.reset();
  assert.equal(backoff.next(), 300);
});
