// @ts-check
/**
 * Turns what the viewer does into messages, in order. It remembers what is held, and sends at most one motion message per
 * animation frame; a button, key or wheel step never overtakes a motion.
 */

import * as protocol from "../protocol.js";

/** @typedef {{kind: "to" | "by", x: number, y: number}} Motion */

/** What was sent has arrived, and nobody is in the middle of a word or a double click, after this long. */
const IDLE_MS = 300;

export class Outbox {
  #send;
  #schedule;
  /** @type {Set<string>} */
  #keys = new Set();
  /** @type {Set<number>} */
  #buttons = new Set();
  /** @type {Motion | null} */
  #motion = null;
  #scheduled = false;
  #sentAt = Number.NEGATIVE_INFINITY;

  /**
   * @param {(message: Uint8Array<ArrayBuffer>) => void} send
   * @param {(flush: () => void) => void} [schedule] calls back before the next frame
   */
  constructor(send, schedule = (flush) => requestAnimationFrame(flush)) {
    this.#send = (/** @type {Uint8Array<ArrayBuffer>} */ message) => {
      this.#sentAt = performance.now();
      send(message);
    };
    this.#schedule = schedule;
  }

  /** @returns {ReadonlySet<string>} codes of the keys that are down */
  get keys() {
    return this.#keys;
  }

  /** @returns {ReadonlySet<number>} the buttons that are down */
  get buttons() {
    return this.#buttons;
  }

  /** @returns {boolean} nothing is held, and nothing was sent for a moment */
  get idle() {
    return !this.#keys.size && !this.#buttons.size && performance.now() - this.#sentAt >= IDLE_MS;
  }

  /**
   * @param {string} code
   * @param {boolean} down a key that is already down is pressed again: the guest sees a repeat
   */
  key(code, down) {
    if (!protocol.isKeyCode(code) || (!down && !this.#keys.has(code))) return;
    if (down) this.#keys.add(code);
    else this.#keys.delete(code);
    this.#emit(protocol.encodeKey(code, down));
  }

  /** @param {string[]} codes pressed in this order, released in the opposite one */
  chord(...codes) {
    for (const code of codes) this.key(code, true);
    for (const code of codes.reverse()) this.key(code, false);
  }

  /** @param {number} button `MouseEvent.button` @param {boolean} down */
  button(button, down) {
    if (down === this.#buttons.has(button)) return;
    if (down) this.#buttons.add(button);
    else this.#buttons.delete(button);
    this.#emit(protocol.encodeButton(button, down));
  }

  /** @param {number} dx @param {number} dy steps */
  wheel(dx, dy) {
    if (dx || dy) this.#emit(protocol.encodeWheel(dx, dy));
  }

  /** @param {number} x @param {number} y guest pixels; only the newest of a frame counts */
  moveTo(x, y) {
    this.#move({ kind: "to", x, y });
  }

  /** @param {number} dx @param {number} dy added up within a frame; fractions are kept for later */
  moveBy(dx, dy) {
    const before = this.#motion?.kind === "by" ? this.#motion : { x: 0, y: 0 };
    this.#move({ kind: "by", x: before.x + dx, y: before.y + dy });
  }

  /** Release every key and button. */
  releaseAll() {
    this.#keys.clear();
    this.#buttons.clear();
    this.#emit(protocol.encodeReleaseAll());
  }

  /** Send the pending motion, if there is any. */
  flush() {
    const motion = this.#motion;
    if (!motion) return;
    this.#motion = null;
    if (motion.kind === "to") {
      this.#send(protocol.encodeMoveTo(motion.x, motion.y));
      return;
    }
    const [dx, dy] = [Math.trunc(motion.x), Math.trunc(motion.y)];
    if (dx || dy) this.#send(protocol.encodeMoveBy(dx, dy));
    const rest = { x: motion.x - dx, y: motion.y - dy };
    if (rest.x || rest.y) this.#motion = { kind: "by", ...rest };
  }

  /** @param {Motion} motion */
  #move(motion) {
    this.#motion = motion;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** @param {Uint8Array<ArrayBuffer>} message */
  #emit(message) {
    this.flush();
    this.#send(message);
  }
}
