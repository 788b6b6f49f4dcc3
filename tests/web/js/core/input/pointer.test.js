import assert from "node:assert/strict";
import { test } from "node:test";

import { buttonChanges } from "../../../../../web/core/input/pointer.js";

test("buttons are compared, since only the first one down has events of its own", () => {
  const down = (button) => ({ button, down: true });
  const up = (button) => ({ button, down: false });
  for (const [held, buttons, changes] of [
    [[], 1, [down(0)]],
    [[0], 1 | 2, [down(2)]],
    [[0, 2], 2, [up(0)]],
    [[], 4 | 8 | 16, [down(1), down(3), down(4)]],
    [[1], 0, [up(1)]],
    [[0], 1, []],
  ]) {
    assert.deepEqual(buttonChanges(new Set(held), buttons), changes);
  }
});
