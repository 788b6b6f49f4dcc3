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

/** Steps of ten notches, as a browser tells one. */
function ofTen({ deltaY, wheelDeltaY, deltaMode = PIXELS }, ratio = 1) {
  const wheel = new WheelSteps();
  const turn = { deltaX: 0, deltaY, wheelDeltaX: 0, wheelDeltaY, deltaMode };
  return Array.from({ length: 10 }, () => wheel.add(turn, ratio).dy).reduce((sum, step) => sum + step, 0);
}

test("ten notches are ten steps, in every browser and at every scale", () => {
  for (const [what, turn, ratio] of [
    ["Chromium on Linux", { deltaY: 120, wheelDeltaY: -120 }, 1],
    ["Chromium on Linux, 150%", { deltaY: 120, wheelDeltaY: -120 }, 1.5],
    ["Chromium on Windows", { deltaY: 100, wheelDeltaY: -120 }, 1],
    ["Chromium on Windows, 150%", { deltaY: 200 / 3, wheelDeltaY: -120 }, 1.5],
    ["Chromium on Windows, 250%", { deltaY: 40, wheelDeltaY: -120 }, 2.5],
    ["Chromium, 110% emulated", { deltaY: 100 / 1.1, wheelDeltaY: -109 }, 1.1],
    ["Chromium, 150% emulated", { deltaY: 200 / 3, wheelDeltaY: -80 }, 1.5],
    ["Chromium, 250% emulated", { deltaY: 40, wheelDeltaY: -48 }, 2.5],
    ["Firefox on Linux", { deltaY: 114, wheelDeltaY: -120 }, 1],
    ["Firefox on Windows", { deltaY: 51, wheelDeltaY: -120 }, 1.25],
    ["Firefox, lines", { deltaY: 3, wheelDeltaY: -120, deltaMode: LINES }, 1],
    ["no wheelDelta", { deltaY: 100 }, 1],
  ]) {
    assert.equal(ofTen(turn, ratio), 10, what);
    assert.equal(ofTen({ ...turn, deltaY: -turn.deltaY, wheelDeltaY: -turn.wheelDeltaY }, ratio), -10, what);
  }
});

test("several notches in one event count", () => {
  assert.equal(ofTen({ deltaY: 300, wheelDeltaY: -360 }), 30);
});

test("sideways notches are steps, of any size", () => {
  const wheel = new WheelSteps();
  for (const [deltaX, wheelDeltaX] of [[20, -120], [120, -120]]) {
    assert.equal(wheel.add({ deltaX, deltaY: 0, deltaMode: PIXELS, wheelDeltaX, wheelDeltaY: 0 }).dx, 1);
  }
});

test("the parts of a notch of a fine wheel add up", () => {
  assert.equal(ofTen({ deltaY: 12.5, wheelDeltaY: -15 }), 1);
  assert.equal(ofTen({ deltaY: 48, wheelDeltaY: -48 }), 4);
});

test("what a touch pad moves adds up in pixels, also where it looks like notches", () => {
  for (const deltaY of [1, 4, 7.5, 40, 80]) {
    const steps = ofTen({ deltaY, wheelDeltaY: -Math.round(3 * deltaY) });
    assert.ok(Math.abs(steps - deltaY / 10) <= 0.5, `${deltaY}: ${steps}`);
  }
});

test("what is left is forgotten on demand", () => {
  const wheel = new WheelSteps();
  wheel.add({ deltaX: 40, deltaY: 40, deltaMode: PIXELS });
  wheel.reset();
  assert.deepEqual(wheel.add({ deltaX: 40, deltaY: 40, deltaMode: PIXELS }), { dx: 0, dy: 0 });
});
