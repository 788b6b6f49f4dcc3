import assert from "node:assert/strict";
import { test } from "node:test";

import { Heartbeat } from "../../../../web/core/heartbeat.js";
import { provide } from "../support.js";

/** A clock and an interval that are turned by hand. */
function byHand(context) {
  const hand = { now: 1000, tick: () => undefined, running: false };
  provide(context, "performance", { now: () => hand.now });
  provide(context, "setInterval", (tick) => {
    hand.tick = tick;
    hand.running = true;
    return 1;
  });
  provide(context, "clearInterval", () => {
    hand.running = false;
  });
  return hand;
}

test("a side that answers is measured and not lost", (context) => {
  const hand = byHand(context);
  const pings = [];
  let lost = 0;
  const heartbeat = new Heartbeat((value) => pings.push(value), () => lost++);
  heartbeat.start();
  for (let second = 0; second < 10; second++) {
    hand.now += 20;
    heartbeat.pong(pings.at(-1));
    hand.now += 980;
    hand.tick();
  }
  assert.deepEqual([lost, heartbeat.roundTripMs, hand.running], [0, 20, true]);
});

test("silence is a lost connection, which is told once", (context) => {
  const hand = byHand(context);
  let lost = 0;
  const heartbeat = new Heartbeat(() => undefined, () => lost++);
  heartbeat.start();
  hand.now += 4000;
  hand.tick();
  assert.equal(lost, 0);
  hand.now += 1;
  hand.tick();
  assert.deepEqual([lost, hand.running], [1, false]);
});

test("an answer to an older ping proves life and measures nothing", (context) => {
  const hand = byHand(context);
  const heartbeat = new Heartbeat(() => undefined, () => assert.fail("lost"));
  heartbeat.start();
  hand.now += 3000;
  heartbeat.pong(7);
  hand.now += 3000;
  hand.tick();
  assert.equal(heartbeat.roundTripMs, null);
});

test("a page whose timers are held back while it is hidden is not cut off, and notices silence afterwards", (context) => {
  const hand = byHand(context);
  const pings = [];
  let lost = 0;
  const heartbeat = new Heartbeat((value) => pings.push(value), () => lost++, { mayBeLate: true });
  heartbeat.start();
  heartbeat.pong(pings.at(-1));
  for (let minute = 0; minute < 3; minute++) {
    hand.now += 60_000;
    hand.tick();
    heartbeat.pong(pings.at(-1));
  }
  assert.deepEqual([lost, pings.length], [0, 4]);
  for (let second = 0; second < 5; second++) {
    hand.now += 1000;
    hand.tick();
  }
  assert.deepEqual([lost, hand.running], [1, false]);
});
