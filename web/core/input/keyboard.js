// @ts-check
/**
 * The physical keyboard, by `KeyboardEvent.code`: the guest gets keys, not letters, and has its own layout.
 * While it is grabbed, all keys but two chords go to the guest. Ctrl, Alt and Shift pressed together and released, without
 * another key, give the keyboard back to the page. With S as well, they show the statistics.
 */

const MODIFIER = /^(Control|Alt|Shift|Meta)(Left|Right)$/;
/** AltGr on Windows arrives as ControlLeft and, within the same moment, AltRight. */
const ALTGR_MS = 50;

/** @typedef {"mac" | "windows" | "other"} Platform */

/** @returns {Platform} */
function thisPlatform() {
  const name = navigator.platform.toLowerCase();
  if (name.startsWith("mac") || name.startsWith("ip")) return "mac";
  return name.startsWith("win") ? "windows" : "other";
}

/** @param {KeyboardEvent} event */
function isComposition(event) {
  return event.isComposing || event.code === "" || event.code === "Unidentified";
}

export class Keyboard {
  #outbox;
  #handlers;
  #platform;
  /**
   * ControlLeft, held back until it is clear that it is not AltGr's.
   * @type {ReturnType<typeof setTimeout> | undefined}
   */
  #control;
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
   * @param {Platform} [platform]
   */
  constructor(target, outbox, handlers, platform = thisPlatform()) {
    this.#outbox = outbox;
    this.#handlers = handlers;
    this.#platform = platform;
    for (const type of ["keydown", "keyup"]) {
      target.addEventListener(type, (event) => this.#key(/** @type {KeyboardEvent} */ (event)), { capture: true });
    }
  }

  /** Forget what has not been sent yet. */
  reset() {
    clearTimeout(this.#control);
    this.#control = undefined;
    this.#leaving = false;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#handlers.grabbed() || isComposition(event)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.type === "keydown") this.#down(event);
    else this.#up(event);
  }

  /** @param {KeyboardEvent} event */
  #down({ code, repeat, metaKey }) {
    const modifier = MODIFIER.test(code);
    if (this.#platform === "windows" && code === "ControlLeft" && !repeat) {
      this.#control = setTimeout(() => this.#flushControl(), ALTGR_MS);
      return;
    }
    if (code === "AltRight") this.reset();
    this.#flushControl();
    if (this.#leaving && code === "KeyS") {
      this.#leaving = false;
      this.#handlers.stats();
      return;
    }
    if (this.#platform === "windows" && code === "ControlLeft" && !this.#outbox.keys.has(code)) return;
    // macOS reports only the changes of CapsLock's light, and never that a key pressed with Command went up.
    if (this.#platform === "mac" && (code === "CapsLock" || (metaKey && !modifier))) this.#outbox.chord(code);
    else this.#outbox.key(code, true);
    this.#leaving = modifier && this.#isWayOut();
    if (!modifier) this.#handlers.pressed();
  }

  /** @param {KeyboardEvent} event */
  #up({ code }) {
    this.#flushControl();
    const tapOnly = code === "PrintScreen" || (this.#platform === "mac" && code === "CapsLock");
    // Some systems report only the release of PrintScreen.
    if (tapOnly && !this.#outbox.keys.has(code)) this.#outbox.chord(code);
    else this.#outbox.key(code, false);
    if (!this.#leaving) return;
    this.#leaving = false;
    this.#handlers.leave();
  }

  #flushControl() {
    if (this.#control === undefined) return;
    clearTimeout(this.#control);
    this.#control = undefined;
    this.#outbox.key("ControlLeft", true);
    this.#leaving = this.#isWayOut();
  }

  #isWayOut() {
    const held = [...this.#outbox.keys];
    return (
      held.every((code) => /^(Control|Alt|Shift)/.test(code)) &&
      ["Control", "Alt", "Shift"].every((name) => held.some((code) => code.startsWith(name)))
    );
  }
}
