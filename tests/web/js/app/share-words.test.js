import assert from "node:assert/strict";
import { test } from "node:test";

import { lifeWords, roleWords, TIMES } from "../../../../web/app/share-words.js";

test("a link says how long it lives, in words, and whether it was opened", () => {
  for (const [link, words] of [
    [{ once: false, opened: false, seconds_left: 3600 }, "60 min left, not opened yet"],
    [{ once: false, opened: true, seconds_left: 10 }, "1 min left, opened"],
    [{ once: true, opened: false, seconds_left: 8 * 3600 }, "8 h left, for one use"],
    [{ once: true, opened: true, seconds_left: 7 * 24 * 3600 }, "7 days left, used"],
  ]) {
    assert.equal(lifeWords(link), words);
  }
  assert.deepEqual(["view", "control"].map(roleWords), ["See only", "See and use"]);
  assert.ok(TIMES.some(({ seconds }) => seconds === 3600));
});
