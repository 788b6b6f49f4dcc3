// @ts-check
/** Tells a dead connection from a quiet one: PING each second, lost when no PONG came for a while. */

const PING_EVERY_MS = 1000;
const LOST_AFTER_MS = 4000;

export class Heartbeat {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #lastPong = 0;
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

  /** A PONG arrived. */
  pong() {
    this.#lastPong = performance.now();
  }

  #tick() {
    const now = performance.now();
    if (now - this.#lastPong > LOST_AFTER_MS) {
      this.stop();
      this.#lost();
      return;
    }
    this.#ping(Math.trunc(now) >>> 0);
  }
}
