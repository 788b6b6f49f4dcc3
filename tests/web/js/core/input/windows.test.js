// What Windows reports that did not happen on the keyboard.
import assert from "node:assert/strict";
import { test } from "node:test";

import { wait } from "../../support.js";
import { flags, pressing } from "./pressing.js";

/** Longer than an event is held back. */
const HELD_BACK_MS = 80;
const NUM_LOCK = flags("NumLock");
const SHIFT = { ...NUM_LOCK, shiftKey: true };

test("AltGr on Windows is one key", async () => {
  const { log, down, up } = pressing("windows");
  down("ControlLeft");
  down("AltRight", { key: "AltGraph" });
  down("KeyQ");
  for (const code of ["KeyQ", "ControlLeft", "AltRight"]) up(code);
  await wait(HELD_BACK_MS);
  assert.deepEqual(log, ["+AltRight", "+KeyQ", "-KeyQ", "-AltRight"]);
});

test("Ctrl on Windows is sent before the next key, or when it is clear that it is not AltGr's", async () => {
  const typed = pressing("windows");
  for (const code of ["ControlLeft", "KeyC"]) typed.down(code);
  for (const code of ["KeyC", "ControlLeft"]) typed.up(code);
  assert.deepEqual(typed.log, ["+ControlLeft", "+KeyC", "-KeyC", "-ControlLeft"]);
  const held = pressing("windows");
  held.down("ControlLeft");
  assert.deepEqual(held.log, []);
  await wait(HELD_BACK_MS);
  assert.deepEqual(held.log, ["+ControlLeft"]);
});

test("a key that is held back is forgotten on reset", async () => {
  const { log, outbox, keyboard, down } = pressing("windows");
  down("ControlLeft");
  keyboard.reset();
  outbox.releaseAll();
  await wait(HELD_BACK_MS);
  assert.deepEqual(log, ["release"]);
});

test("Shift with the number block stays down, though Windows lets it go for the key", async () => {
  const { log, down, up } = pressing("windows");
  down("ShiftLeft", SHIFT);
  for (const key of ["ArrowLeft", "ArrowLeft"]) {
    up("ShiftLeft", NUM_LOCK);
    down("Numpad4", { ...NUM_LOCK, key });
    down("Numpad4", { ...NUM_LOCK, key, repeat: true });
    up("Numpad4", { ...NUM_LOCK, key });
    down("ShiftLeft", SHIFT);
  }
  await wait(HELD_BACK_MS);
  up("ShiftLeft", NUM_LOCK);
  await wait(HELD_BACK_MS);
  const block = ["+Numpad4", "+Numpad4", "-Numpad4"];
  assert.deepEqual(log, ["+ShiftLeft", ...block, ...block, "-ShiftLeft"]);
});

test("a digit after Shift is a digit", () => {
  const { log, down, up } = pressing("windows");
  down("ShiftLeft", SHIFT);
  up("ShiftLeft", NUM_LOCK);
  down("Numpad4", { ...NUM_LOCK, key: "4" });
  assert.deepEqual(log, ["+ShiftLeft", "-ShiftLeft", "+Numpad4"]);
});

test("of two Shifts only the last release is reported", () => {
  const { log, down, up } = pressing("windows");
  down("ShiftLeft");
  down("ShiftRight");
  up("ShiftLeft", flags());
  assert.deepEqual(log, ["+ShiftLeft", "+ShiftRight", "-ShiftLeft", "-ShiftRight"]);
});

test("keys that switch the input method have no release: each press is a tap", () => {
  for (const [code, key] of [
    ["Backquote", "Zenkaku"],
    ["Backquote", "Hankaku"],
    ["CapsLock", "Eisu"],
    ["CapsLock", "Alphanumeric"],
    ["KanaMode", "Hiragana"],
    ["KanaMode", "KanaMode"],
    ["Lang1", "HangulMode"],
    ["Lang2", "HanjaMode"],
  ]) {
    const { log, down } = pressing("windows");
    down(code, { key });
    down(code, { key, repeat: true });
    assert.deepEqual(log, [`+${code}`, `-${code}`, `+${code}`, `-${code}`], key);
  }
  const { log, down } = pressing("windows");
  down("Backquote", { key: "`" });
  assert.deepEqual(log, ["+Backquote"]);
});

test("the way out works at once, though Ctrl is held back", () => {
  const { log, down, up } = pressing("windows");
  down("AltLeft");
  down("ShiftLeft");
  down("ControlLeft");
  up("ControlLeft");
  assert.equal(log.at(-1), "leave");
});
