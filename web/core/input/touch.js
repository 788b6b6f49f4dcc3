// @ts-check
/**
 * Fingers as a mouse. One finger: tap is a click, a long press is the right button, a drag holds the left one
 * (absolute) or moves the pointer as on a touch pad (relative). Two fingers turn the wheel, or first move a
 * picture that is larger than the room for it.
 */

import { WheelSteps } from "./wheel.js";

const LONG_PRESS_MS = 500;
/** A finger that moved less than this has not moved, CSS pixels. */
const SLOP = 8;
/** A second tap within this time and distance is sent at the place of the first: guests require that of a double click. */
const DOUBLE_TAP_MS = 400;
const DOUBLE_TAP_NEAR = 30;
/** Two fingers that move 50 px scroll as far as one wheel notch, which is 100 px. */
const SCROLL_FACTOR = 2;

/** @typedef {{clientX: number, clientY: number}} Place */
/** @typedef {"idle" | "pending" | "drag" | "hold" | "scroll" | "done"} Phase */

export class Touch {
  #stage;
  #outbox;
  #handlers;
  #wheel = new WheelSteps();
  /** @type {Map<number, Place>} */
  #fingers = new Map();
  /** @type {Phase} */
  #phase = "idle";
  /** @type {Place} */
  #start = { clientX: 0, clientY: 0 };
  /** @type {Place & {time: number}} */
  #lastTap = { clientX: 0, clientY: 0, time: -Infinity };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} stage
   * @param {import("./outbox.js").Outbox} outbox
   * @param {object} handlers
   * @param {(place: Place) => {x: number, y: number}} handlers.toGuest
   * @param {() => boolean} handlers.relative
   * @param {() => number} handlers.scale CSS pixels per guest pixel
   * @param {(x: number, y: number) => void} handlers.moved the pointer went there, guest pixels
   */
  constructor(stage, outbox, handlers) {
    this.#stage = stage;
    this.#outbox = outbox;
    this.#handlers = handlers;
    /** @type {[string, (event: PointerEvent) => void][]} */
    const listeners = [
      ["pointerdown", (event) => this.#down(event)],
      ["pointermove", (event) => this.#move(event)],
      ["pointerup", (event) => this.#up(event)],
      ["pointercancel", (event) => this.#cancel(event)],
    ];
    for (const [type, listener] of listeners) {
      stage.addEventListener(type, (event) => {
        const pointer = /** @type {PointerEvent} */ (event);
        if (pointer.pointerType === "touch") listener(pointer);
      });
    }
  }

  /** Forget the gesture that goes on: whatever it holds was released. */
  reset() {
    clearTimeout(this.#timer);
    if (this.#fingers.size) this.#phase = "done";
  }

  /** @param {Place} place */
  #moveTo(place) {
    if (this.#handlers.relative()) return;
    const { x, y } = this.#handlers.toGuest(place);
    this.#outbox.moveTo(x, y);
    this.#handlers.moved(x, y);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    this.#stage.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
    clearTimeout(this.#timer);
    if (this.#fingers.size === 1) {
      this.#phase = "pending";
      this.#start = { clientX: event.clientX, clientY: event.clientY };
      this.#timer = setTimeout(() => this.#longPress(), LONG_PRESS_MS);
    } else if (this.#phase === "pending") {
      this.#phase = "scroll";
      this.#wheel.reset();
      this.#moveTo(this.#start);
    }
  }

  #longPress() {
    this.#phase = "hold";
    this.#moveTo(this.#start);
    this.#outbox.button(2, true);
    navigator.vibrate?.(15);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (this.#phase === "pending") {
      const far = Math.hypot(event.clientX - this.#start.clientX, event.clientY - this.#start.clientY);
      if (far < SLOP) return;
      clearTimeout(this.#timer);
      this.#phase = "drag";
      this.#moveTo(this.#start);
      if (!this.#handlers.relative()) this.#outbox.button(0, true);
    }
    this.#fingers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
    if (this.#phase === "scroll") this.#scroll(-dx / this.#fingers.size, -dy / this.#fingers.size);
    else if (this.#phase === "drag" || this.#phase === "hold") {
      if (this.#handlers.relative()) this.#outbox.moveBy(dx / this.#handlers.scale(), dy / this.#handlers.scale());
      else this.#moveTo(event);
    }
  }

  /** @param {number} dx @param {number} dy CSS pixels, as a wheel's */
  #scroll(dx, dy) {
    const { scrollLeft, scrollTop } = this.#stage;
    this.#stage.scrollBy(dx, dy);
    const [deltaX, deltaY] = [
      dx - (this.#stage.scrollLeft - scrollLeft),
      dy - (this.#stage.scrollTop - scrollTop),
    ].map((left) => left * SCROLL_FACTOR);
    const steps = this.#wheel.add({ deltaX, deltaY, deltaMode: 0 });
    this.#outbox.wheel(steps.dx, steps.dy);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.#fingers.delete(event.pointerId)) return;
    clearTimeout(this.#timer);
    if (this.#phase === "pending") this.#tap(event);
    else if (this.#phase === "drag") this.#outbox.button(0, false);
    else if (this.#phase === "hold") this.#outbox.button(2, false);
    this.#phase = this.#fingers.size ? (this.#phase === "scroll" ? "scroll" : "done") : "idle";
  }

  /** @param {PointerEvent} event */
  #tap(event) {
    const last = this.#lastTap;
    const near = Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY) < DOUBLE_TAP_NEAR;
    const again = near && event.timeStamp - last.time < DOUBLE_TAP_MS;
    const place = again ? last : event;
    this.#lastTap = { clientX: place.clientX, clientY: place.clientY, time: event.timeStamp };
    this.#moveTo(place);
    this.#outbox.button(0, true);
    this.#outbox.button(0, false);
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    clearTimeout(this.#timer);
    this.#fingers.delete(event.pointerId);
    this.#phase = this.#fingers.size ? "done" : "idle";
  }
}
