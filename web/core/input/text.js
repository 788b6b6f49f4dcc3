// @ts-check
/**
 * Types text from an on-screen keyboard, which reports no keys but only its text field's new content, as key presses of a
 * US layout. Characters that this layout lacks cannot be typed.
 */

/** A PS/2 keyboard buffers 16 bytes: keys that came faster would be lost. */
const BETWEEN_CHARACTERS_MS = 10;

const PLAIN = "`1234567890-=[]\\;',./ \n\t";
const SHIFTED = '~!@#$%^&*()_+{}|:"<>?';
const CODES = [
  "Backquote", ..."1234567890".split("").map((digit) => `Digit${digit}`), "Minus", "Equal", "BracketLeft", "BracketRight",
  "Backslash", "Semicolon", "Quote", "Comma", "Period", "Slash", "Space", "Enter", "Tab",
];

/**
 * @param {string} character
 * @returns {{code: string, shift: boolean} | null} null: not on a US keyboard
 */
export function keyFor(character) {
  if (/^[a-z]$/i.test(character)) {
    return { code: `Key${character.toUpperCase()}`, shift: character !== character.toLowerCase() };
  }
  const plain = PLAIN.indexOf(character);
  const index = plain >= 0 ? plain : SHIFTED.indexOf(character);
  return index < 0 ? null : { code: CODES[index], shift: plain < 0 };
}

/**
 * What was typed into a field between two looks at it, the keyboard's corrections and suggestions included.
 * @param {string} before
 * @param {string} after
 * @returns {{erased: number, typed: string}} characters taken off the end, then added
 */
export function difference(before, after) {
  const [old, now] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same += 1;
  return { erased: old.length - same, typed: now.slice(same).join("") };
}

/** Types at a pace that guests can follow. */
export class Typist {
  #outbox;
  #handlers;
  /** @type {{code: string, shift: boolean}[]} */
  #queue = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("./outbox.js").Outbox} outbox
   * @param {object} handlers
   * @param {() => void} handlers.pressed a key was typed
   * @param {(characters: string) => void} handlers.lacking there are no keys for these
   */
  constructor(outbox, handlers) {
    this.#outbox = outbox;
    this.#handlers = handlers;
  }

  /** @param {string} text */
  type(text) {
    let lacking = "";
    for (const character of text) {
      const key = keyFor(character);
      if (key) this.#queue.push(key);
      else lacking += character;
    }
    if (lacking) this.#handlers.lacking(lacking);
    this.#run();
  }

  /** @param {string} code @param {number} [times] */
  press(code, times = 1) {
    for (let i = 0; i < times; i++) this.#queue.push({ code, shift: false });
    this.#run();
  }

  /** Drop the keys that were not pressed yet. */
  clear() {
    this.#queue.length = 0;
  }

  #run() {
    if (this.#timer !== undefined) return;
    const key = this.#queue.shift();
    if (!key) return;
    if (key.shift) this.#outbox.chord("ShiftLeft", key.code);
    else this.#outbox.chord(key.code);
    this.#handlers.pressed();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#run();
    }, BETWEEN_CHARACTERS_MS);
  }
}
