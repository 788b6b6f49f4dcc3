// @ts-check
/** Turns wheel events into the whole steps that a guest knows: one for each notch; what has no notches adds up. */

import { WHEEL_STEPS_MAX } from "../protocol.js";

/** What makes one step where there are no notches, by `WheelEvent.deltaMode`: pixels, lines, pages. */
const STEP = [100, 3, 1];
/** `wheelDelta` of one notch. Chromium and Firefox tell it whatever the notch scrolls: 120, 114 or 20 px. */
const NOTCH = 120;
/** How far from whole a number of notches may be: browsers round `wheelDelta`. */
const NEARLY = 0.02;

/**
 * @param {number} delta in pixels, where deltaMode says so
 * @param {number} wheelDelta
 * @param {number} ratio device pixels per CSS pixel
 * @returns {number} notches, or parts of one where a wheel is that fine; 0: it does not come in notches
 */
function notches(delta, wheelDelta, ratio) {
  const pixels = Math.abs(delta);
  // Touch pads have no notches: there wheelDelta is what moved in pixels, times three.
  const tripled = Math.abs(wheelDelta) === Math.round(3 * pixels);
  // So is a notch of 100 device pixels at a ratio of 2.5.
  const whole = wheelDelta % NOTCH === 0 && (pixels * ratio) % 100 === 0;
  if (tripled && !whole) return 0;
  // While a display's scale is emulated, Chromium divides by it.
  const emulated = (wheelDelta * ratio) / NOTCH;
  const rounded = Math.round(emulated);
  return wheelDelta % NOTCH !== 0 && rounded && Math.abs(emulated - rounded) < NEARLY ? rounded : wheelDelta / NOTCH;
}

/** @typedef {{deltaX: number, deltaY: number, deltaMode: number, wheelDeltaX?: number, wheelDeltaY?: number}} Turn */

export class WheelSteps {
  #rest = { x: 0, y: 0 };
  #direction = { x: 0, y: 0 };

  /**
   * @param {Turn} event
   * @param {number} [ratio] device pixels per CSS pixel
   * @returns {{dx: number, dy: number}} the steps that are due now; what is left counts towards the next
   */
  add(event, ratio = 1) {
    // deltaMode comes last: Firefox tells pixels only to pages that have not asked for it.
    const { deltaX, deltaY, wheelDeltaX = 0, wheelDeltaY = 0, deltaMode } = event;
    const step = STEP[deltaMode] ?? STEP[0];
    return {
      dx: this.#take("x", -notches(deltaX, wheelDeltaX, ratio) || deltaX / step),
      dy: this.#take("y", -notches(deltaY, wheelDeltaY, ratio) || deltaY / step),
    };
  }

  /** Forget what is left over. */
  reset() {
    this.#rest = { x: 0, y: 0 };
  }

  /**
   * @param {"x" | "y"} axis
   * @param {number} amount
   */
  #take(axis, amount) {
    // The wheel did not turn this way. A remainder of half a step must stay where it is: rounding it again would send it.
    if (amount === 0) return 0;
    // A change of direction takes effect at once: the other direction's remainder is dropped.
    if (Math.sign(amount) !== this.#direction[axis]) {
      this.#direction[axis] = Math.sign(amount);
      this.#rest[axis] = 0;
    }
    const total = this.#rest[axis] + amount;
    // Rounded to the nearest step: on some systems a notch is a little less than 100 px.
    const steps = Math.sign(total) * Math.floor(Math.abs(total) + 0.5);
    this.#rest[axis] = total - steps;
    return Math.min(WHEEL_STEPS_MAX, Math.max(-WHEEL_STEPS_MAX, steps));
  }
}
