// @ts-check
/**
 * Key events of Windows that are not what happened on the keyboard:
 * AltGr arrives as ControlLeft and, within the same moment, AltRight.
 * While Num Lock is on, Shift with a key of the number block arrives as a release of Shift, the key, and Shift pressed again.
 * Of two Shift keys that are held, only the last to go up is reported.
 * Keys that switch the input method or the script have no release.
 */

/** Events that belong together come within the same moment, even on a busy machine. */
const TOGETHER_MS = 50;
const SHIFT = /^Shift(Left|Right)$/;
/** Keys of the number block that Shift gives another meaning. */
const BLOCK = /^Numpad(\d|Decimal)$/;
/** Switches of Japanese keyboards (by `key`: where they lie is other keys' place) and of Korean ones (by `code`). */
const SWITCH_KEY = /^(Hankaku|Zenkaku|ZenkakuHankaku|KanjiMode|Eisu|Alphanumeric|KanaMode|Hiragana|Katakana|HiraganaKatakana|Romaji)$/;
const SWITCH_CODE = /^Lang[12]$/;

export class WindowsKeys {
  #held;
  #late;
  /** An event that is held back until it is clear what it means. @type {{run: () => void, code: string, timer: ReturnType<typeof setTimeout>} | null} */
  #pending = null;
  /** Keys of the number block for which Windows says that Shift is up. @type {Set<string>} */
  #shifted = new Set();

  /**
   * @param {() => ReadonlySet<string>} held codes of the keys that are down
   * @param {object} late what turned out to have happened
   * @param {(event: KeyboardEvent, code: string) => void} late.press
   * @param {(code: string) => void} late.release
   */
  constructor(held, late) {
    this.#held = held;
    this.#late = late;
  }

  /** Forget what is held back. */
  clear() {
    this.#drop();
    this.#shifted.clear();
  }

  /** Do what is held back. */
  flush() {
    const pending = this.#pending;
    this.#drop();
    pending?.run();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {string} code
   * @returns {"done" | "tap" | "press"} nothing is left to do; press and release it; press it
   */
  down(event, code) {
    if (code === "ControlLeft" && !event.repeat) {
      this.flush();
      this.#holdBack(code, () => this.#late.press(event, code));
      return "done";
    }
    if (this.#means(event, code)) this.#drop();
    else this.flush();
    // AltGr's ControlLeft repeats as well, and Shift comes again after a key of the number block.
    if (code === "ControlLeft" && !this.#held().has(code)) return "done";
    if (SHIFT.test(code) && this.#held().has(code)) return "done";
    return SWITCH_KEY.test(event.key) || SWITCH_CODE.test(code) ? "tap" : "press";
  }

  /**
   * @param {KeyboardEvent} event
   * @param {string} code
   * @returns {"done" | "release"}
   */
  up(event, code) {
    this.flush();
    if (!SHIFT.test(code) || event.shiftKey) return "release";
    const both = () => {
      for (const shift of ["ShiftLeft", "ShiftRight"]) this.#late.release(shift);
    };
    if (event.getModifierState?.("NumLock") ?? false) this.#holdBack(code, both);
    else both();
    return "done";
  }

  /**
   * @param {KeyboardEvent} event
   * @param {string} code
   * @returns {boolean} whether its flag for Shift is Windows' own doing
   */
  isShifted({ type }, code) {
    const shifted = this.#shifted.has(code);
    if (type === "keyup") this.#shifted.delete(code);
    return shifted;
  }

  /**
   * @param {KeyboardEvent} event
   * @param {string} code
   * @returns {boolean} whether it shows that what is held back did not happen
   */
  #means({ key }, code) {
    const before = this.#pending?.code ?? "";
    if (before === "ControlLeft") return code === "AltRight";
    // With Shift really up, the key would be a digit.
    if (!SHIFT.test(before) || !BLOCK.test(code) || !(key.length > 1)) return false;
    this.#shifted.add(code);
    return true;
  }

  /** @param {string} code @param {() => void} run */
  #holdBack(code, run) {
    this.#pending = { code, run, timer: setTimeout(() => this.flush(), TOGETHER_MS) };
  }

  #drop() {
    clearTimeout(this.#pending?.timer);
    this.#pending = null;
  }
}
