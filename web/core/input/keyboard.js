// @ts-check
/**
 * The physical keyboard, by `KeyboardEvent.code`: the guest gets keys, not letters, and has its own layout.
 * While it is grabbed, all keys but two chords go to the guest. Ctrl, Alt and Shift pressed together and released, without
 * another key, give the keyboard back to the page. With S as well, they show the statistics.
 */

import { codeOf, isModifier } from "./codes.js";
import { Modifiers } from "./modifiers.js";
import { WindowsKeys } from "./windows.js";

/** @typedef {"mac" | "windows" | "other"} Platform */

/** @returns {Platform} */
function thisPlatform() {
  const name = navigator.platform.toLowerCase();
  if (name.startsWith("mac") || name.startsWith("ip")) return "mac";
  return name.startsWith("win") ? "windows" : "other";
}

export class Keyboard {
  #outbox;
  #handlers;
  #modifiers;
  #mac;
  /** @type {WindowsKeys | null} */
  #windows;
  /** Ctrl, Alt and Shift are down, and no other key was pressed since. */
  #leaving = false;

  /**
   * @param {EventTarget} target where key events are caught, before anything else on the page
   * @param {import("./outbox.js").Outbox} outbox
   * @param {object} handlers
   * @param {() => boolean} handlers.grabbed whether the keys are the guest's now
   * @param {() => void} handlers.leave the way out was pressed
   * @param {() => void} handlers.pressed a key that is no modifier went down
   * @param {() => void} handlers.stats the chord for the statistics was pressed
   * @param {(key: string) => void} handlers.nameless a key went down that only `KeyboardEvent.key` tells of
   * @param {Platform} [platform]
   */
  constructor(target, outbox, handlers, platform = thisPlatform()) {
    this.#outbox = outbox;
    this.#handlers = handlers;
    this.#modifiers = new Modifiers(outbox);
    this.#mac = platform === "mac";
    const late = {
      press: (/** @type {KeyboardEvent} */ event, /** @type {string} */ code) => this.#press(event, code),
      release: (/** @type {string} */ code) => this.#modifiers.release(code),
    };
    this.#windows = platform === "windows" ? new WindowsKeys(() => outbox.keys, late) : null;
    for (const type of ["keydown", "keyup"]) {
      target.addEventListener(type, (event) => this.#key(/** @type {KeyboardEvent} */ (event)), { capture: true });
    }
  }

  /** Everything was released: forget what is held, and what has not been sent yet. */
  reset() {
    this.#windows?.clear();
    this.#modifiers.clear();
    this.#leaving = false;
  }

  /** @param {import("./modifiers.js").Flagged} event a mouse's: modifiers that it says are up, go up */
  lift(event) {
    this.#modifiers.lift(event);
  }

  /** @param {import("./modifiers.js").Flagged} event a mouse's that the guest gets: modifiers that it says are down, go down */
  lend(event) {
    this.#windows?.flush();
    this.#modifiers.lend(event);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#handlers.grabbed() || event.isComposing) return;
    const code = codeOf(event);
    if (code) {
      event.preventDefault();
      event.stopPropagation();
      if (event.type === "keydown") this.#down(event, code);
      else this.#up(event, code);
    } else if (event.type === "keydown") this.#nameless(event);
  }

  /** @param {KeyboardEvent} event */
  #nameless(event) {
    this.#windows?.flush();
    this.#modifiers.lift(event);
    // The character has Shift and AltGr in it already.
    for (const code of ["ShiftLeft", "ShiftRight", "AltRight"]) this.#modifiers.release(code);
    if ([...event.key].length === 1) event.preventDefault();
    this.#handlers.nameless(event.key);
  }

  /** @param {KeyboardEvent} event @param {string} code */
  #down(event, code) {
    const way = this.#windows?.down(event, code) ?? "press";
    if (way === "done") return;
    this.#agree(event, code);
    if (this.#leaving && code === "KeyS") {
      this.#leaving = false;
      this.#handlers.stats();
      return;
    }
    if (isModifier(code)) return this.#press(event, code);
    this.#leaving = false;
    if (!this.#windows?.isShifted(event, code)) this.#modifiers.lend(event);
    // macOS reports only the changes of CapsLock's light, and never that a key pressed with Command went up.
    if (way === "tap" || (this.#mac && (code === "CapsLock" || event.metaKey))) this.#outbox.chord(code);
    else this.#outbox.key(code, true);
    this.#settle();
    this.#handlers.pressed();
  }

  /** A modifier goes down. @param {KeyboardEvent} event @param {string} code */
  #press(event, code) {
    // macOS never reports that a key went up that was down before Command, either.
    if (this.#mac && /^Meta/.test(code)) this.#liftOthers();
    this.#modifiers.press(event, code);
    if (!event.repeat) this.#leaving = this.#isWayOut();
  }

  /** @param {KeyboardEvent} event @param {string} code */
  #up(event, code) {
    if ((this.#windows?.up(event, code) ?? "release") === "release") this.#release(event, code);
    if (!this.#leaving) return;
    this.#leaving = false;
    this.#handlers.leave();
  }

  /** @param {KeyboardEvent} event @param {string} code */
  #release(event, code) {
    const tapOnly = code === "PrintScreen" || (this.#mac && code === "CapsLock");
    // Some systems report only the release of PrintScreen.
    if (tapOnly && !this.#outbox.keys.has(code)) this.#outbox.chord(code);
    else if (isModifier(code)) this.#modifiers.release(code);
    else this.#outbox.key(code, false);
    this.#settle();
    this.#agree(event, code);
  }

  /** @param {KeyboardEvent} event @param {string} code */
  #agree(event, code) {
    if (!this.#windows?.isShifted(event, code)) this.#modifiers.lift(event, isModifier(code) ? code : "");
  }

  #liftOthers() {
    for (const code of this.#outbox.keys) {
      if (!isModifier(code)) this.#outbox.key(code, false);
    }
  }

  /** What was lent goes back when no key needs it any more. */
  #settle() {
    if ([...this.#outbox.keys].every(isModifier)) this.#modifiers.takeBack();
  }

  #isWayOut() {
    const held = [...this.#outbox.keys];
    return (
      held.every((code) => /^(Control|Alt|Shift)/.test(code)) &&
      ["Control", "Alt", "Shift"].every((name) => held.some((code) => code.startsWith(name)))
    );
  }
}
