// Key events of browsers and systems, with their quirks, as the keys that a guest gets.
import assert from "node:assert/strict";
import { test } from "node:test";

import { pressing } from "./pressing.js";

const WAY_OUT = ["ControlLeft", "AltLeft", "ShiftLeft"];

test("the grab decides whose keys they are", () => {
  const { log, grab, down, up } = pressing();
  assert.deepEqual([down("F5"), up("F5"), log], [true, true, ["+F5", "-F5"]]);
  grab.on = false;
  assert.deepEqual([down("F5"), log.length], [false, 2]);
});

test("the chord for statistics is the page's, and no way out", () => {
  const { log, down, up } = pressing();
  for (const code of [...WAY_OUT, "KeyS"]) down(code);
  for (const code of ["KeyS", ...WAY_OUT]) up(code);
  assert.deepEqual(log, [...WAY_OUT.map((code) => `+${code}`), "stats", ...WAY_OUT.map((code) => `-${code}`)]);
  const other = pressing();
  other.down("ControlLeft");
  other.down("KeyS");
  assert.deepEqual(other.log, ["+ControlLeft", "+KeyS"]);
});

test("Ctrl, Alt and Shift alone lead out", () => {
  const out = pressing();
  for (const code of WAY_OUT) out.down(code);
  out.up("ShiftLeft");
  assert.equal(out.log.at(-1), "leave");
  const typing = pressing();
  for (const code of [...WAY_OUT, "KeyA"]) typing.down(code);
  for (const code of ["KeyA", "ShiftLeft"]) typing.up(code);
  assert.ok(!typing.log.includes("leave"));
});

test("repeats are presses", () => {
  const { log, down, up } = pressing();
  down("KeyA");
  down("KeyA", { repeat: true });
  up("KeyA");
  assert.deepEqual(log, ["+KeyA", "+KeyA", "-KeyA"]);
});

test("composition is not keys", () => {
  const { log, down } = pressing();
  assert.equal(down("KeyA", { isComposing: true }), false);
  assert.deepEqual(log, []);
});

test("a Mac does not tell that keys pressed with Command went up, and of CapsLock only its light", () => {
  const command = pressing("mac");
  command.down("MetaLeft");
  command.down("KeyC");
  command.up("MetaLeft");
  assert.deepEqual(command.log, ["+MetaLeft", "+KeyC", "-KeyC", "-MetaLeft"]);
  const caps = pressing("mac");
  caps.down("CapsLock");
  caps.up("CapsLock");
  assert.deepEqual(caps.log, ["+CapsLock", "-CapsLock", "+CapsLock", "-CapsLock"]);
});

test("a Mac does not tell that a key went up that was down before Command", () => {
  const { log, down, up } = pressing("mac");
  down("ShiftLeft");
  down("KeyC");
  down("MetaLeft");
  up("MetaLeft");
  assert.deepEqual(log, ["+ShiftLeft", "+KeyC", "-KeyC", "+MetaLeft", "-MetaLeft"]);
});

test("a key without a code is known by its name", () => {
  const { log, down, up } = pressing();
  for (const [key, code] of [["AltGraph", "AltRight"], ["Shift", "ShiftLeft"], ["Enter", "Enter"], ["F5", "F5"]]) {
    assert.ok(down("", { key }) && up("Unidentified", { key }));
    assert.deepEqual(log.splice(0), [`+${code}`, `-${code}`], key);
  }
});

test("a key without a code or a name is told of", () => {
  const { log, down, up } = pressing();
  down("ShiftLeft");
  assert.equal(down("", { key: "É", shiftKey: true }), true);
  up("", { key: "É", shiftKey: true });
  assert.equal(down("", { key: "Unidentified", shiftKey: true }), false);
  assert.deepEqual(log, ["+ShiftLeft", "-ShiftLeft", "nameless É", "nameless Unidentified"]);
});

test("PrintScreen without a press is pressed", () => {
  const { log, up } = pressing();
  up("PrintScreen");
  assert.deepEqual(log, ["+PrintScreen", "-PrintScreen"]);
});
