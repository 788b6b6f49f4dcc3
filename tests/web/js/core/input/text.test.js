import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../../../../web/core/input/outbox.js";
import { difference, keyFor, Typist } from "../../../../../web/core/input/text.js";
import { inputLog, provide } from "../../support.js";

test("characters are keys of a US layout", () => {
  for (const [character, code, shift] of [
    ["a", "KeyA", false],
    ["A", "KeyA", true],
    ["1", "Digit1", false],
    ["!", "Digit1", true],
    ["?", "Slash", true],
    ["|", "Backslash", true],
    [" ", "Space", false],
    ["\n", "Enter", false],
  ]) {
    assert.deepEqual(keyFor(character), { code, shift }, character);
  }
  assert.equal(keyFor("é"), null);
});

test("each printable ASCII character is a key of its own, and no other's", () => {
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  const keys = printable.map((character) => JSON.stringify(keyFor(character)));
  assert.ok(!keys.includes("null"));
  assert.equal(new Set(keys).size, printable.length);
});

test("what was typed is what differs", () => {
  for (const [before, after, erased, typed] of [
    ["__", "__hi", 0, "hi"],
    ["__teh", "__the", 2, "he"],
    ["__", "_", 1, ""],
    ["_", "_😀", 0, "😀"],
  ]) {
    assert.deepEqual(difference(before, after), { erased, typed });
  }
});

test("text is typed in order, at a pace, and what is left can be forgotten", (context) => {
  const due = [];
  provide(context, "setTimeout", (run) => due.push(run));
  const { log, send } = inputLog();
  const typist = new Typist(new Outbox(send), { pressed: () => undefined, lacking: () => undefined });
  const step = () => due.shift()();
  typist.type("aB");
  assert.deepEqual(log.splice(0), ["+KeyA", "-KeyA"]);
  step();
  assert.deepEqual(log.splice(0), ["+ShiftLeft", "+KeyB", "-KeyB", "-ShiftLeft"]);
  step();
  typist.press("Backspace", 5);
  typist.clear();
  step();
  assert.deepEqual([log, due], [["+Backspace", "-Backspace"], []]);
});

test("what no key has is told of, and the rest is typed", (context) => {
  provide(context, "setTimeout", () => undefined);
  const { log, send } = inputLog();
  const lacking = (characters) => log.push(`lacking ${characters}`);
  new Typist(new Outbox(send), { pressed: () => undefined, lacking }).type("éaß");
  assert.deepEqual(log, ["lacking éß", "+KeyA", "-KeyA"]);
});
