// @ts-check
/**
 * Keeps the modifier keys that the guest has down in agreement with what events say of them (`shiftKey` and so on).
 * A release gets lost where the system takes a chord for itself (Alt+Tab): the key is lifted at the next event that says so.
 * A press is never told by browsers that hide modifiers (Firefox's resistFingerprinting), or came while another window had
 * the keyboard: the key is lent for as long as it is needed.
 */

/** @typedef {"shiftKey" | "ctrlKey" | "altKey" | "metaKey" | "AltGraph"} Flag AltGraph: as in `getModifierState()` */
/**
 * @typedef {object} Flagged what key, mouse and wheel events have in common
 * @property {boolean} shiftKey
 * @property {boolean} ctrlKey
 * @property {boolean} altKey
 * @property {boolean} metaKey
 * @property {string} [key]
 * @property {(name: string) => boolean} [getModifierState]
 */

/** The keys of each flag; the first is the one to lend. Firefox before 118 has other names for Meta, and no flag. @type {[Flag, string[]][]} */
const KEYS = [
  ["shiftKey", ["ShiftLeft", "ShiftRight"]],
  ["ctrlKey", ["ControlLeft", "ControlRight"]],
  ["altKey", ["AltLeft", "AltRight"]],
  ["metaKey", ["MetaLeft", "MetaRight"]],
  ["AltGraph", ["AltRight"]],
];

/**
 * @param {Flagged} event
 * @param {Flag} flag
 * @returns {boolean | undefined} undefined: the event does not tell
 */
function isOn(event, flag) {
  return flag === "AltGraph" ? event.getModifierState?.(flag) : event[flag];
}

/**
 * @param {Flagged} event
 * @returns {boolean} whether its capital is CapsLock's. Browsers that hide modifiers give a capital the flag of Shift.
 */
function isCapsLocks(event) {
  const { key = "" } = event;
  return key.length === 1 && key !== key.toLowerCase() && (event.getModifierState?.("CapsLock") ?? false);
}

/**
 * @param {string} code
 * @param {string} key `KeyboardEvent.key`: the right Alt key may be AltGr
 * @returns {Flag | undefined}
 */
function flagOf(code, key) {
  if (code === "AltRight" && key === "AltGraph") return "AltGraph";
  return KEYS.find(([, codes]) => codes.includes(code))?.[0];
}

export class Modifiers {
  #outbox;
  /** Those that the keyboard holds. What the page's own buttons hold is none of the events' business. @type {Map<string, Flag>} */
  #held = new Map();
  /** Those of them that were pressed for a flag, without an event of their own. @type {Set<string>} */
  #lent = new Set();
  /** This browser was seen to tell of AltGr, which not all do. */
  #tellsAltGr = false;

  /** @param {import("./outbox.js").Outbox} outbox */
  constructor(outbox) {
    this.#outbox = outbox;
  }

  /** Everything was released. */
  clear() {
    this.#held.clear();
    this.#lent.clear();
  }

  /**
   * A modifier's own event: it goes down.
   * @param {Flagged & {key: string}} event
   * @param {string} code
   */
  press(event, code) {
    const flag = flagOf(code, event.key);
    if (flag) this.#held.set(code, flag);
    this.#lent.delete(code);
    this.#outbox.key(code, true);
  }

  /** @param {string} code a modifier's; it goes up */
  release(code) {
    this.#held.delete(code);
    this.#lent.delete(code);
    this.#outbox.key(code, false);
  }

  /**
   * Lift what an event says is up.
   * @param {Flagged} event
   * @param {string} [own] the modifier that the event is about: browsers differ in whether its flag is that of before or after
   */
  lift(event, own = "") {
    const about = flagOf(own, "");
    if (isOn(event, "AltGraph")) this.#tellsAltGr = true;
    for (const [code, flag] of this.#held) {
      if (flag === about || code === own || isOn(event, flag) !== false || this.#unclear(event, flag)) continue;
      if (flag !== "AltGraph" || this.#tellsAltGr) this.release(code);
    }
  }

  /**
   * Press what an event says is down, before what the event itself is about.
   * @param {Flagged} event
   */
  lend(event) {
    for (const [flag, codes] of KEYS) {
      if (!isOn(event, flag) || this.#unclear(event, flag) || (flag === "shiftKey" && isCapsLocks(event))) continue;
      if (codes.some((code) => this.#outbox.keys.has(code))) continue;
      this.#held.set(codes[0], flag);
      this.#lent.add(codes[0]);
      this.#outbox.key(codes[0], true);
    }
  }

  /** The key that they were lent for is up. */
  takeBack() {
    for (const code of this.#lent) this.release(code);
  }

  /**
   * Windows reports AltGr as Ctrl and Alt, and leaves both out of the flags while it means AltGr.
   * @param {Flagged} event
   * @param {Flag} flag
   * @returns {boolean} whether the flag says nothing
   */
  #unclear(event, flag) {
    const { keys } = this.#outbox;
    const altGr = isOn(event, "AltGraph") || this.#held.get("AltRight") === "AltGraph";
    if (flag === "AltGraph") return [...keys].some((code) => /^(Control|AltLeft)/.test(code));
    return altGr && (flag === "ctrlKey" || flag === "altKey");
  }
}
