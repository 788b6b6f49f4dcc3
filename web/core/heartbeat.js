// @ts-check
/** Notices that a connection is dead: sends a PING each second; without a PONG for 4 s the connection is lost. */

const PING_EVERY_MS = 1000;
const LOST_AFTER_MS = 4000;
/** A timer that is later than this was held back by the browser: it tells nothing about the other side. */
const LATE_MS = 2000;

/** @param {number} at ms */
function toValue(at) {
  return Math.trunc(at) >>> 0;
}

export class Heartbeat {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #lastPong = 0;
  #sentAt = 0;
  #tickedAt = 0;
  /** From the last PING to its PONG; null before the first. @type {number | null} */
  roundTripMs = null;
  #ping;
  #lost;
  #mayBeLate;

  /**
   * @param {(value: number) => void} ping sends one PING
   * @param {() => void} lost called once, when the other side has been silent for too long
   * @param {{mayBeLate?: boolean}} [options] `mayBeLate`: the browser may hold this page's timers back, for a minute once a
   *   page was hidden for five, and the connection lives on
   */
  constructor(ping, lost, { mayBeLate = false } = {}) {
    this.#ping = ping;
    this.#lost = lost;
    this.#mayBeLate = mayBeLate;
  }

  start() {
    this.stop();
    this.#lastPong = performance.now();
    this.#tickedAt = this.#lastPong;
    this.#timer = setInterval(() => this.#tick(), PING_EVERY_MS);
    this.#tick();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @param {number} value a PONG's */
  pong(value) {
    this.#lastPong = performance.now();
    if (value === toValue(this.#sentAt)) this.roundTripMs = this.#lastPong - this.#sentAt;
  }

  #tick() {
    const now = performance.now();
    if (this.#mayBeLate && now - this.#tickedAt > PING_EVERY_MS + LATE_MS) this.#lastPong = now;
    this.#tickedAt = now;
    if (now - this.#lastPong > LOST_AFTER_MS) {
      this.stop();
      this.#lost();
      return;
    }
    this.#sentAt = now;
    this.#ping(toValue(now));
  }
}
