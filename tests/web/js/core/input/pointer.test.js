import assert from "node:assert/strict";
import { test } from "node:test";

import { buttonChanges } from "../../../../../web/core/input/pointer.js";

const down = (button) => ({ button, down: true });
const up = (button) => ({ button, down: false });
/** No button changed: the event is about motion. */
const NONE = -1;

test("buttons are compared, since only the first one down and the last one up have events of their own", () => {
  for (const [held, button, buttons, changes] of [
    [[], 0, 1, [down(0)]],
    [[0], 2, 1 | 2, [down(2)]],
    [[0, 2], 0, 2, [up(0)]],
    [[0, 1], NONE, 0, [up(0), up(1)]],
    [[1], 1, 0, [up(1)]],
    [[0], NONE, 1, []],
    [[], 3, 8, [down(3)]],
    [[], 4, 16, [down(4)]],
    [[], 5, 32, []],
  ]) {
    assert.deepEqual(buttonChanges(new Set(held), { button, buttons }, true), changes);
  }
});

test("a button that went down elsewhere, or before all was released, has to be pressed anew", () => {
  assert.deepEqual(buttonChanges(new Set(), { button: NONE, buttons: 1 }, true), []);
  assert.deepEqual(buttonChanges(new Set(), { button: 2, buttons: 1 | 2 }, true), [down(2)]);
  assert.deepEqual(buttonChanges(new Set(), { button: 0, buttons: 0 }, true), []);
});

test("what is pressed beside the picture is not the guest's, but what goes up is", () => {
  assert.deepEqual(buttonChanges(new Set(), { button: 0, buttons: 1 }, false), []);
  assert.deepEqual(buttonChanges(new Set([0]), { button: 0, buttons: 0 }, false), [up(0)]);
});
