// @ts-check
/** Turns wheel deltas (in pixels, lines or pages, of any size) into the whole steps that a guest knows. */

import { WHEEL_STEPS_MAX } from "../protocol.js";

/** What makes one step, by `WheelEvent.deltaMode`: pixels, lines, pages. */
const STEP = [100, 3, 1];

export class WheelSteps {
  #rest = { x: 0, y: 0 };
  #direction = { x: 0, y: 0 };

  /**
   * @param {{deltaX: number, deltaY: number, deltaMode: number}} event
   * @returns {{dx: number, dy: number}} the steps that are due now; what is left counts towards the next
   */
  add({ deltaX, deltaY, deltaMode }) {
    const step = STEP[deltaMode] ?? STEP[0];
    return { dx: this.#take("x", deltaX / step), dy: this.#take("y", deltaY / step) };
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
