// What is down in the guest agrees with what every event says of the modifiers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { flags, pressing } from "./pressing.js";

const FAMILIES = [
  ["shiftKey", "ShiftLeft"],
  ["ctrlKey", "ControlRight"],
  ["altKey", "AltLeft"],
  ["metaKey", "MetaLeft"],
];

test("a modifier whose release never came goes up at the next key that says so", () => {
  for (const [flag, code] of FAMILIES) {
    const { log, down } = pressing();
    down(code);
    down("KeyA", flags());
    assert.deepEqual(log, [`+${code}`, `-${code}`, "+KeyA"], flag);
  }
});

test("a modifier whose release never came goes up at the mouse's next event", () => {
  for (const [flag, code] of FAMILIES) {
    const { log, keyboard, down } = pressing();
    down(code);
    keyboard.lift({ ...flags(), [flag]: true });
    assert.deepEqual(log, [`+${code}`], flag);
    keyboard.lift(flags());
    assert.deepEqual(log, [`+${code}`, `-${code}`], flag);
  }
});

test("a release that says so lifts the others, and a modifier's own flag says nothing of itself", () => {
  const { log, down, up } = pressing();
  down("MetaLeft", flags()); // Chromium tells what was before the event.
  down("KeyA");
  down("AltLeft");
  up("KeyA", flags());
  assert.deepEqual(log, ["+MetaLeft", "+KeyA", "+AltLeft", "-KeyA", "-MetaLeft", "-AltLeft"]);
});

test("modifiers that a browser hides are pressed for the key, and no longer", () => {
  const { log, down, up } = pressing();
  down("KeyA", { key: "A", shiftKey: true });
  up("KeyA", { key: "A", shiftKey: true });
  down("KeyB", { key: "b" });
  up("KeyB", { key: "b" });
  down("KeyC", { key: "c", ctrlKey: true });
  down("KeyC", { key: "c", ctrlKey: true, repeat: true });
  up("KeyC", { key: "c" });
  const a = ["+ShiftLeft", "+KeyA", "-KeyA", "-ShiftLeft"];
  assert.deepEqual(log, [...a, "+KeyB", "-KeyB", "+ControlLeft", "+KeyC", "+KeyC", "-KeyC", "-ControlLeft"]);
});

test("keys that overlap have their own case", () => {
  const { log, down, up } = pressing();
  down("KeyA", { key: "A", shiftKey: true });
  down("KeyB", { key: "b" });
  up("KeyA", { key: "a" });
  up("KeyB", { key: "b" });
  assert.deepEqual(log, ["+ShiftLeft", "+KeyA", "-ShiftLeft", "+KeyB", "-KeyA", "-KeyB"]);
});

test("a capital of CapsLock's takes no Shift", () => {
  const { log, down } = pressing();
  down("KeyA", { key: "A", ...flags("CapsLock"), shiftKey: true });
  assert.deepEqual(log, ["+KeyA"]);
});

test("a button and the wheel take along what is down, too", () => {
  const { log, keyboard } = pressing();
  keyboard.lend({ ...flags(), ctrlKey: true });
  keyboard.lift({ ...flags(), ctrlKey: true });
  keyboard.lift(flags());
  assert.deepEqual(log, ["+ControlLeft", "-ControlLeft"]);
});

test("what the page's own buttons hold is not the keyboard's to lift, nor to press again", () => {
  const { log, outbox, down, up } = pressing();
  outbox.key("ShiftLeft", true);
  down("KeyA"); // No flag tells of it.
  up("KeyA");
  down("KeyB", { shiftKey: true });
  assert.deepEqual(log, ["+ShiftLeft", "+KeyA", "-KeyA", "+KeyB"]);
});

test("AltGr stays down where a browser never tells of it, and goes up where it does", () => {
  const altGr = { key: "AltGraph", altKey: false };
  const silent = pressing();
  silent.down("AltRight", altGr);
  silent.down("KeyQ", { key: "@", ...flags() });
  assert.deepEqual(silent.log, ["+AltRight", "+KeyQ"]);
  const telling = pressing();
  telling.down("", altGr);
  telling.down("KeyQ", { key: "@", ...flags("AltGraph") });
  telling.keyboard.lift(flags("AltGraph"));
  assert.deepEqual(telling.log, ["+AltRight", "+KeyQ"]);
  telling.keyboard.lift(flags());
  assert.deepEqual(telling.log, ["+AltRight", "+KeyQ", "-AltRight"]);
});

test("AltGr that is down already when the keyboard comes back is pressed", () => {
  const { log, down } = pressing();
  down("KeyQ", { key: "@", ...flags("AltGraph") });
  assert.deepEqual(log, ["+AltRight", "+KeyQ"]);
});

test("with AltGr the flags of Ctrl and Alt say nothing", () => {
  // Ctrl and Alt mean AltGr on Windows: for a key that has something there, the flags are without both.
  const { log, down } = pressing();
  down("ControlLeft");
  down("AltLeft");
  down("KeyQ", { key: "@", ...flags("AltGraph") });
  assert.deepEqual(log, ["+ControlLeft", "+AltLeft", "+KeyQ"]);
  const other = pressing("windows");
  other.down("ControlLeft");
  other.down("AltRight", { key: "AltGraph" });
  other.down("KeyK");
  assert.deepEqual(other.log, ["+AltRight", "+KeyK"]);
});
