// Key events of browsers and systems, with their quirks, as the keys that a guest gets.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Keyboard } from "../../../../../web/core/input/keyboard.js";
import { Outbox } from "../../../../../web/core/input/outbox.js";
import { event, inputLog, wait } from "../../support.js";

/** Longer than ControlLeft is held back on Windows. */
const HELD_BACK_MS = 80;
const WAY_OUT = ["ControlLeft", "AltLeft", "ShiftLeft"];

function pressing(platform = "other") {
  const { log, send } = inputLog();
  const outbox = new Outbox(send);
  const target = new EventTarget();
  const grab = { on: true };
  const keyboard = new Keyboard(
    target,
    outbox,
    {
      grabbed: () => grab.on,
      leave: () => log.push("leave"),
      pressed: () => undefined,
      stats: () => log.push("stats"),
    },
    platform,
  );
  /** Whether the page kept the key from the browser. */
  const sender = (type) => (code, more = {}) => {
    const sent = event(type, { code, repeat: false, metaKey: false, isComposing: false, ...more });
    target.dispatchEvent(sent);
    return sent.defaultPrevented;
  };
  return { log, outbox, keyboard, grab, down: sender("keydown"), up: sender("keyup") };
}

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
  assert.equal(down(""), false);
  assert.equal(down("Unidentified"), false);
  assert.equal(down("KeyA", { isComposing: true }), false);
  assert.deepEqual(log, []);
});

test("AltGr on Windows is one key", async () => {
  const { log, down, up } = pressing("windows");
  for (const code of ["ControlLeft", "AltRight", "KeyQ"]) down(code);
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

test("a Mac does not tell that keys pressed with Command went up, and of CapsLock only its light", () => {
  const command = pressing("mac");
  command.down("MetaLeft", { metaKey: true });
  command.down("KeyC", { metaKey: true });
  command.up("MetaLeft");
  assert.deepEqual(command.log, ["+MetaLeft", "+KeyC", "-KeyC", "-MetaLeft"]);
  const caps = pressing("mac");
  caps.down("CapsLock");
  caps.up("CapsLock");
  assert.deepEqual(caps.log, ["+CapsLock", "-CapsLock", "+CapsLock", "-CapsLock"]);
});

test("PrintScreen without a press is pressed", () => {
  const { log, up } = pressing();
  up("PrintScreen");
  assert.deepEqual(log, ["+PrintScreen", "-PrintScreen"]);
});
