import assert from "node:assert/strict";
import { test } from "node:test";

import { WheelSteps } from "../../../../../web/core/input/wheel.js";

const [PIXELS, LINES, PAGES] = [0, 1, 2];

/** Steps down for each delta. */
function down(deltaMode, deltas) {
  const wheel = new WheelSteps();
  // -0 is no step either.
  return deltas.map((deltaY) => wheel.add({ deltaX: 0, deltaY, deltaMode }).dy + 0);
}

test("deltas become steps", () => {
  for (const [mode, deltas, expected] of [
    [PIXELS, [100, 100, -100], [1, 1, -1]],
    [PIXELS, [120, 120, 120, 120, 120], [1, 1, 2, 1, 1]],
    [PIXELS, Array(10).fill(20), [0, 0, 1, 0, 0, 0, 0, 1, 0, 0]],
    [LINES, [3, -3, 1.5], [1, -1, 1]],
    [PAGES, [1, -1], [1, -1]],
    [PIXELS, [5000], [20]],
    [PIXELS, [0, 0], [0, 0]],
  ]) {
    assert.deepEqual(down(mode, deltas), expected, `${deltas}`);
  }
});

test("turning round answers at once", () => {
  assert.deepEqual(down(PIXELS, [60, -60]), [1, -1]);
});

test("turning sideways does not move what is left of the other direction", () => {
  const wheel = new WheelSteps();
  assert.deepEqual(wheel.add({ deltaX: 0, deltaY: 50, deltaMode: PIXELS }), { dx: 0, dy: 1 });
  for (let i = 0; i < 4; i++) {
    assert.deepEqual(wheel.add({ deltaX: 100, deltaY: 0, deltaMode: PIXELS }), { dx: 1, dy: 0 }, `event ${i}`);
  }
});

test("no step goes against the way the wheel turns", () => {
  for (const delta of [1, 10, 33, 49.9, 50, 50.1, 75, 150, 251]) {
    for (const way of [1, -1]) {
      const steps = down(PIXELS, Array(40).fill(way * delta));
      assert.ok(steps.every((step) => step * way >= 0), `${way * delta}: ${steps}`);
      const total = steps.reduce((sum, step) => sum + step, 0) * way;
      assert.ok(Math.abs(total - (40 * delta) / 100) <= 0.5, `${delta}: ${total} steps`);
    }
  }
});

test("what is left is forgotten on demand", () => {
  const wheel = new WheelSteps();
  wheel.add({ deltaX: 40, deltaY: 40, deltaMode: PIXELS });
  wheel.reset();
  assert.deepEqual(wheel.add({ deltaX: 40, deltaY: 40, deltaMode: PIXELS }), { dx: 0, dy: 0 });
});
