// @ts-check
/** What two fingers do together: they move side by side, or apart and towards each other. Pure. */

/** A finger that moved less than this has not moved, CSS pixels. */
export const SLOP = 8;
/** One finger may rest: beyond this the other one alone decides. Below, its own next event may still be on its way. */
const ALONE = 40;
/** A pinch changes the distance by more than this many times what it moves the middle; exactly twice, where one finger rests. */
const PINCH = 1.6;

/** @typedef {{clientX: number, clientY: number}} Place */
/**
 * @typedef {object} Together
 * @property {number} dx how far the middle moved since it was told last, CSS pixels
 * @property {number} dy
 * @property {number} factor how many times as far apart the fingers are
 * @property {Place} middle
 */

/** @param {Place} a @param {Place} b */
function distance(a, b) {
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}

/** @param {[Place, Place]} fingers @returns {Place} */
function middleOf([a, b]) {
  return { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
}

export class TwoFingers {
  /** @type {"unclear" | "scroll" | "pinch"} */
  kind = "unclear";
  #start;
  #last;

  /** @param {Place} a @param {Place} b where they came down */
  constructor(a, b) {
    /** @type {[Place, Place]} */
    this.#start = [a, b];
    this.#last = this.#start;
  }

  /**
   * @param {Place} a
   * @param {Place} b where they are now
   * @returns {Together | null} null: it is not clear yet what they do; what they moved meanwhile is told later
   */
  move(a, b) {
    if (this.kind === "unclear") this.#decide([a, b]);
    if (this.kind === "unclear") return null;
    const [before, middle] = [middleOf(this.#last), middleOf([a, b])];
    const factor = Math.max(1, distance(a, b)) / Math.max(1, distance(...this.#last));
    this.#last = [a, b];
    return { dx: middle.clientX - before.clientX, dy: middle.clientY - before.clientY, factor, middle };
  }

  /** @param {[Place, Place]} now */
  #decide(now) {
    const moved = now.map((place, i) => distance(place, this.#start[i]));
    if (Math.min(...moved) < SLOP / 2 && Math.max(...moved) < ALONE) return;
    const apart = Math.abs(distance(...now) - distance(...this.#start));
    this.kind = apart > PINCH * distance(middleOf(now), middleOf(this.#start)) ? "pinch" : "scroll";
  }
}
