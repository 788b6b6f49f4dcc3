// web/core/nudge.js: how a lost input message is noticed soon.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Nudge } from "../../../../web/core/nudge.js";

const original = globalThis.setTimeout;
/** Timers that are waiting. @type {Map<number, () => void>} */
let waiting = new Map();
let number = 0;

beforeEach(() => {
  waiting = new Map();
  globalThis.setTimeout = (callback) => {
    number += 1;
    waiting.set(number, callback);
    return number;
  };
  globalThis.clearTimeout = (timer) => waiting.delete(timer);
});

afterEach(() => {
  globalThis.setTimeout = original;
});

function fire() {
  for (const [timer, callback] of [...waiting]) {
    waiting.delete(timer);
    callback();
  }
}

test("the last input message is followed by four others, and then by none", () => {
  let sent = 0;
  const nudge = new Nudge(() => {
    sent += 1;
  });
  nudge.sent();
  nudge.sent();
  assert.equal(waiting.size, 1, "messages that follow each other need no others");
  for (let i = 0; i < 10; i++) fire();
  assert.equal(sent, 4);
  assert.equal(waiting.size, 0);
});

test("nothing is sent after the end", () => {
  let sent = 0;
  const nudge = new Nudge(() => {
    sent += 1;
  });
  nudge.sent();
  fire();
  nudge.stop();
  fire();
  assert.equal(sent, 1);
});
