// @ts-check
/** Notices that a connection is dead: sends a PING each second; without a PONG for 4 s the connection is lost. */

const PING_EVERY_MS = 1000;
const LOST_AFTER_MS = 4000;

/** @param {number} at ms */
function toValue(at) {
  return Math.trunc(at) >>> 0;
}

export class Heartbeat {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #lastPong = 0;
  #sentAt = 0;
  /** From the last PING to its PONG; null before the first. @type {number | null} */
  roundTripMs = null;
  #ping;
  #lost;

  /**
   * @param {(value: number) => void} ping sends one PING
   * @param {() => void} lost called once, when the other side has been silent for too long
   */
  constructor(ping, lost) {
    this.#ping = ping;
    this.#lost = lost;
  }

  start() {
    this.stop();
    this.#lastPong = performance.now();
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
    if (now - this.#lastPong > LOST_AFTER_MS) {
      this.stop();
      this.#lost();
      return;
    }
    this.#sentAt = now;
    this.#ping(toValue(now));
  }
}
