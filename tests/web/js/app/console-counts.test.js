// How many consoles an offer asks for, as the browser has kept it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { keepConsoleCount, consoleCount } from "../../../../web/app/console-counts.js";
import { provide } from "../support.js";

function storage(context, kept = null) {
  const items = new Map(kept === null ? [] : [["libvirt-webrtc.screens", kept]]);
  provide(context, "localStorage", {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
  });
}

test("a domain of which nothing is known has one", (context) => {
  storage(context);
  assert.equal(consoleCount("a"), 1);
});

test("what was seen last is kept, and none is not news", (context) => {
  storage(context);
  keepConsoleCount("a", 2);
  keepConsoleCount("b", 3);
  keepConsoleCount("a", 0);
  assert.deepEqual([consoleCount("a"), consoleCount("b")], [2, 3]);
  keepConsoleCount("a", 1);
  assert.deepEqual([consoleCount("a"), consoleCount("b")], [1, 3]);
});

test("more than a server takes, or nonsense, asks for what it takes", (context) => {
  for (const [kept, count] of [['{"a": 99}', 4], ['{"a": -1}', 1], ['{"a": "x"}', 1], ["null", 1], ["{", 1], ["7", 1]]) {
    storage(context, kept);
    assert.equal(consoleCount("a"), count, kept);
  }
});
