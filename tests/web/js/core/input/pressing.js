// A keyboard that sends into a log, and its events.

import { Keyboard } from "../../../../../web/core/input/keyboard.js";
import { Outbox } from "../../../../../web/core/input/outbox.js";
import { event, inputLog } from "../../support.js";

/** @param {import("../../../../../web/core/input/keyboard.js").Platform} platform */
export function pressing(platform = "other") {
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
      nameless: (key) => log.push(`nameless ${key}`),
    },
    platform,
  );
  /** What the flags tell, unless a test says otherwise. */
  const held = new Set();
  /** Whether the page kept the key from the browser. */
  const sender = (type) => (code, more = {}) => {
    if (type === "keydown") held.add(code);
    else held.delete(code);
    const isDown = (...codes) => codes.some((one) => held.has(one));
    const told = {
      shiftKey: isDown("ShiftLeft", "ShiftRight"),
      ctrlKey: isDown("ControlLeft", "ControlRight"),
      altKey: isDown("AltLeft", "AltRight"),
      metaKey: isDown("MetaLeft", "MetaRight"),
    };
    const sent = event(type, { code, key: code, ...flags(), ...told, ...more });
    target.dispatchEvent(sent);
    return sent.defaultPrevented;
  };
  return { log, outbox, keyboard, grab, down: sender("keydown"), up: sender("keyup") };
}

/**
 * @param {string[]} states what `getModifierState()` says yes to
 * @returns {any} an event's, of which nothing is down but what is said
 */
export function flags(...states) {
  const none = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };
  return { ...none, repeat: false, isComposing: false, getModifierState: (name) => states.includes(name) };
}
