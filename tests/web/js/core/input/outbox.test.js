// The order of what is sent, coalesced motion, and what is held.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../../../../web/core/input/outbox.js";
import { inputLog, provide } from "../../support.js";

function opened() {
  const { log, send } = inputLog();
  const frames = [];
  const outbox = new Outbox(send, (flush) => frames.push(flush));
  const frame = () => {
    for (const flush of frames.splice(0)) flush();
  };
  return { log, outbox, frame };
}

test("only the newest position of a frame is sent", () => {
  const { log, outbox, frame } = opened();
  outbox.moveTo(1, 1);
  outbox.moveTo(2, 3);
  frame();
  outbox.moveTo(4, 4);
  frame();
  assert.deepEqual(log, ["to 2,3", "to 4,4"]);
});

test("relative motion adds up and keeps fractions", () => {
  const { log, outbox, frame } = opened();
  outbox.moveBy(1.5, -2);
  outbox.moveBy(2, 0);
  frame();
  outbox.moveBy(0.5, 0);
  frame();
  assert.deepEqual(log, ["by 3,-2", "by 1,0"]);
});

test("nothing overtakes the last motion", () => {
  const { log, outbox, frame } = opened();
  outbox.moveTo(7, 8);
  outbox.button(0, true);
  outbox.moveTo(9, 8);
  outbox.wheel(0, 1);
  frame();
  assert.deepEqual(log, ["to 7,8", "0down", "to 9,8", "wheel 0,1"]);
});

test("repeats are presses, and strange releases are nothing", () => {
  const { log, outbox } = opened();
  for (const down of [true, true, false, false]) outbox.key("KeyA", down);
  outbox.key("not a code", true);
  outbox.wheel(0, 0);
  assert.deepEqual(log, ["+KeyA", "+KeyA", "-KeyA"]);
});

test("release all forgets what is held", () => {
  const { log, outbox } = opened();
  outbox.key("ShiftLeft", true);
  outbox.button(0, true);
  outbox.releaseAll();
  outbox.key("ShiftLeft", false);
  outbox.button(0, false);
  outbox.button(0, true);
  assert.deepEqual(log, ["+ShiftLeft", "0down", "release", "0down"]);
});

test("a chord is released in the opposite order", () => {
  const { log, outbox } = opened();
  outbox.chord("ControlLeft", "AltLeft", "Delete");
  assert.deepEqual(log, ["+ControlLeft", "+AltLeft", "+Delete", "-Delete", "-AltLeft", "-ControlLeft"]);
});

test("it is idle while nothing is held, a moment after the last message", (t) => {
  const clock = (/** @type {number} */ now) => provide(t, "performance", { now: () => now });
  clock(1000);
  const { outbox, frame } = opened();
  assert.ok(outbox.idle);
  outbox.button(0, true);
  clock(9000);
  assert.ok(!outbox.idle);
  outbox.button(0, false);
  assert.ok(!outbox.idle);
  clock(9299);
  assert.ok(!outbox.idle);
  clock(9300);
  assert.ok(outbox.idle);
  outbox.moveTo(1, 1);
  frame();
  assert.ok(!outbox.idle);
  outbox.key("KeyA", true);
  clock(20_000);
  assert.ok(!outbox.idle);
  outbox.releaseAll();
  clock(20_300);
  assert.ok(outbox.idle);
});
