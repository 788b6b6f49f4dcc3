// Fingers as a mouse.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../../../../web/core/input/outbox.js";
import { Touch } from "../../../../../web/core/input/touch.js";
import { event, inputLog, provide, wait } from "../../support.js";

/** Longer than a long press. */
const LONG_MS = 650;

function touching(context, { relative = false, schedule = (look) => look() } = {}) {
  provide(context, "navigator", {});
  const { log, send } = inputLog();
  const stage = Object.assign(new EventTarget(), {
    scrollLeft: 0,
    scrollTop: 0,
    scrollBy: () => undefined,
    setPointerCapture: () => undefined,
  });
  const handlers = {
    toGuest: ({ clientX, clientY }) => ({ x: clientX, y: clientY }),
    inside: ({ clientY }) => clientY < 500,
    zoom: (factor, { clientX, clientY }) => log.push(`zoom ${factor} at ${clientX},${clientY}`),
    relative: () => relative,
    scale: () => 0.5,
    moved: () => undefined,
  };
  const now = (run) => run();
  const touch = new Touch(stage, new Outbox(send, now), handlers, schedule);
  const finger = (type, pointerId, clientX, clientY) =>
    stage.dispatchEvent(event(`pointer${type}`, { pointerType: "touch", pointerId, clientX, clientY }));
  return { log, stage, touch, finger };
}

test("a tap is a click where the finger left", (context) => {
  const { log, finger } = touching(context);
  finger("down", 1, 50, 60);
  finger("move", 1, 52, 61);
  finger("up", 1, 52, 61);
  assert.deepEqual(log, ["to 52,61", "0down", "0up"]);
});

test("the second tap of two, nearby, is at the first one's place, else it is no double click", (context) => {
  const { log, finger } = touching(context);
  for (const x of [50, 57]) {
    finger("down", 1, x, 60);
    finger("up", 1, x, 60);
  }
  assert.deepEqual(log, ["to 50,60", "0down", "0up", "to 50,60", "0down", "0up"]);
});

test("a drag holds the left button from where it began", (context) => {
  const { log, finger } = touching(context);
  finger("down", 1, 50, 60);
  finger("move", 1, 70, 60);
  finger("move", 1, 90, 60);
  finger("up", 1, 90, 60);
  assert.deepEqual(log, ["to 50,60", "0down", "to 70,60", "to 90,60", "0up"]);
});

test("relative motion is a touch pad's", (context) => {
  const { log, finger } = touching(context, { relative: true });
  finger("down", 1, 50, 60);
  finger("move", 1, 70, 60);
  finger("move", 1, 90, 60);
  finger("up", 1, 90, 60);
  assert.deepEqual(log.slice(0, 2), ["by 40,0", "by 40,0"]);
});

test("a long press is the right button", async (context) => {
  const { log, finger } = touching(context);
  finger("down", 1, 50, 60);
  await wait(LONG_MS);
  finger("up", 1, 50, 60);
  assert.deepEqual(log, ["to 50,60", "2down", "2up"]);
});

test("nothing is pressed once everything was released", async (context) => {
  const { log, touch, finger } = touching(context);
  finger("down", 1, 50, 60);
  touch.reset();
  await wait(LONG_MS);
  finger("move", 1, 90, 60);
  finger("up", 1, 90, 60);
  assert.deepEqual(log, []);
});

test("two fingers turn the wheel", (context) => {
  const { log, finger } = touching(context);
  finger("down", 1, 50, 200);
  finger("down", 2, 90, 200);
  for (const y of [150, 100]) {
    finger("move", 1, 50, y);
    finger("move", 2, 90, y);
  }
  finger("up", 1, 50, 100);
  finger("up", 2, 90, 100);
  assert.equal(log[0], "to 50,200");
  assert.deepEqual([...new Set(log.slice(1))], ["wheel 0,1"]);
});

test("two fingers first move a picture that is larger than its room", (context) => {
  const { log, stage, finger } = touching(context);
  stage.scrollBy = (dx, dy) => {
    stage.scrollLeft += dx;
    stage.scrollTop += dy;
  };
  finger("down", 1, 50, 200);
  finger("down", 2, 90, 200);
  finger("move", 1, 50, 100);
  assert.deepEqual([stage.scrollTop, log], [50, ["to 50,200"]]);
});

test("relative motion right after a tap is a drag", (context) => {
  const { log, finger } = touching(context, { relative: true });
  finger("down", 1, 50, 60);
  finger("up", 1, 50, 60);
  finger("down", 1, 52, 60);
  finger("move", 1, 72, 60);
  finger("up", 1, 72, 60);
  assert.deepEqual(log, ["0down", "0up", "0down", "by 40,0", "0up"]);
});

test("a tap of two fingers is the right button, of three the middle one", (context) => {
  for (const relative of [true, false]) {
    for (const [fingers, button] of [[2, 2], [3, 1]]) {
      const { log, finger } = touching(context, { relative });
      const ids = Array.from({ length: fingers }, (_, i) => i);
      for (const id of ids) finger("down", id, 50 + 30 * id, 60);
      for (const id of ids) finger("move", id, 51 + 30 * id, 61);
      for (const id of ids) finger("up", id, 51 + 30 * id, 61);
      assert.deepEqual(log.filter((said) => !said.startsWith("to")), [`${button}down`, `${button}up`]);
      if (!relative) assert.equal(log[0], "to 50,60");
    }
  }
});

test("fingers that move apart make the picture larger, where they are", (context) => {
  const { log, finger } = touching(context);
  finger("down", 1, 100, 200);
  finger("down", 2, 200, 200);
  finger("move", 1, 95, 200);
  finger("move", 2, 205, 200);
  finger("move", 2, 260, 200);
  finger("up", 2, 260, 200);
  finger("move", 1, 50, 200);
  finger("up", 1, 50, 200);
  assert.deepEqual(log, ["zoom 1.1 at 150,200", "zoom 1.5 at 177.5,200"]);
});

test("what two fingers do within a frame is one move", (context) => {
  const frames = [];
  const { log, finger } = touching(context, { schedule: (look) => frames.push(look) });
  finger("down", 1, 100, 200);
  finger("down", 2, 200, 200);
  for (const by of [10, 50]) {
    finger("move", 1, 100 - by, 200);
    finger("move", 2, 200 + by, 200);
    for (const look of frames.splice(0)) look();
  }
  finger("move", 1, 0, 200);
  finger("up", 1, 0, 200);
  const factors = log.map((said) => said.replace(/(\.\d\d)\d+/, "$1"));
  assert.deepEqual(factors, ["zoom 1.2 at 150,200", "zoom 1.66 at 150,200", "zoom 1.25 at 125,200"]);
});

test("a finger that rests while the other one moves away makes it larger, too", (context) => {
  const { log, finger } = touching(context);
  finger("down", 1, 100, 200);
  finger("down", 2, 200, 200);
  finger("move", 2, 220, 200);
  finger("move", 2, 250, 200);
  assert.deepEqual(log, ["zoom 1.5 at 175,200"]);
});

test("fingers that come back after a pinch begin where they are", (context) => {
  const { log, finger } = touching(context);
  finger("down", 1, 100, 200);
  finger("down", 2, 200, 200);
  finger("move", 2, 250, 200);
  finger("up", 2, 250, 200);
  finger("down", 3, 600, 200);
  finger("move", 3, 650, 200);
  assert.deepEqual(log, ["zoom 1.5 at 175,200", "zoom 1.1 at 375,200"]);
});

test("beside the picture nothing is clicked, held or dragged", async (context) => {
  const { log, finger } = touching(context);
  finger("down", 1, 50, 600);
  finger("up", 1, 50, 600);
  finger("down", 1, 50, 600);
  await wait(LONG_MS);
  finger("move", 1, 50, 400);
  finger("up", 1, 50, 400);
  assert.deepEqual(log, []);
});
