// @ts-check
/** Waiting times between attempts: short at first, doubling up to a limit. */

const FIRST_MS = 300;
/** The longest wait, unless the caller wants another. */
const LONGEST_MS = 5000;

export class Backoff {
  #next = FIRST_MS;
  #longest;

  /** @param {number} [longestMs] */
  constructor(longestMs = LONGEST_MS) {
    this.#longest = longestMs;
  }

  /** @returns {number} how long to wait before the coming attempt, ms */
  next() {
    const delay = this.#next;
    this.#next = Math.min(this.#longest, delay * 2);
    return delay;
  }

  /** Begin with the shortest wait again, after an attempt that succeeded. */
  reset() {
    this.#next = FIRST_MS;
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal] ends the wait early
 * @returns {Promise<void>} resolved then, or when it is not waited for any more
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      // A signal may outlive many waits.
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}
