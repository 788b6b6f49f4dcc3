// @ts-check
/**
 * Fingers as a mouse. One finger: tap is a click, a long press is the right button, a drag holds the left one
 * (absolute) or moves the pointer as on a touch pad (relative), where it holds the left one right after a tap. A tap of two fingers
 * is the right button, of three the middle one. Two fingers side by side turn the wheel, or first move a picture that is larger
 * than the room for it; apart or together they make the picture larger or smaller.
 */

import { SLOP, TwoFingers } from "./two-fingers.js";
import { WheelSteps } from "./wheel.js";

const LONG_PRESS_MS = 500;
/** A second tap within this time and distance is sent at the place of the first: guests require that of a double click. */
const DOUBLE_TAP_MS = 400;
const DOUBLE_TAP_NEAR = 30;
/** Two fingers that move 50 px scroll as far as one wheel notch, which is 100 px. */
const SCROLL_FACTOR = 2;
/** `MouseEvent.button` of a tap of one, two, three fingers. */
const TAP_BUTTONS = [0, 2, 1];

/** @typedef {import("./two-fingers.js").Place} Place */
/** @typedef {"idle" | "pending" | "drag" | "hold" | "together" | "done"} Phase */

export class Touch {
  #stage;
  #outbox;
  #handlers;
  #wheel = new WheelSteps();
  /** @type {Map<number, Place>} */
  #fingers = new Map();
  /** @type {Phase} */
  #phase = "idle";
  /** @type {Place & {time: number}} */
  #start = { clientX: 0, clientY: 0, time: 0 };
  /** @type {Place & {time: number}} */
  #lastTap = { clientX: 0, clientY: 0, time: -Infinity };
  /** The most fingers of this gesture. */
  #most = 0;
  #two = new TwoFingers(this.#start, this.#start);
  #schedule;
  /** Two fingers have moved, and it was not looked at yet. */
  #moved = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} stage
   * @param {import("./outbox.js").Outbox} outbox
   * @param {object} handlers
   * @param {(place: Place) => {x: number, y: number}} handlers.toGuest
   * @param {(place: Place) => boolean} handlers.inside whether that is a place of the picture
   * @param {() => boolean} handlers.relative
   * @param {() => number} handlers.scale CSS pixels per guest pixel
   * @param {(factor: number, place: Place) => void} handlers.zoom make the picture that many times as large; the place stays where it is
   * @param {(x: number, y: number) => void} handlers.moved the pointer went there, guest pixels
   * @param {(look: () => void) => void} [schedule] calls back before the next frame
   */
  constructor(stage, outbox, handlers, schedule = (look) => requestAnimationFrame(look)) {
    this.#schedule = schedule;
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

  /** @param {Place} place @returns {boolean} whether a finger that comes down there is the guest's */
  #inside(place) {
    return this.#handlers.relative() || this.#handlers.inside(place);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    this.#stage.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
    this.#most = Math.max(this.#most, this.#fingers.size);
    clearTimeout(this.#timer);
    if (this.#fingers.size === 1) {
      this.#phase = "pending";
      this.#most = 1;
      this.#start = { clientX: event.clientX, clientY: event.clientY, time: event.timeStamp };
      if (this.#inside(event)) this.#timer = setTimeout(() => this.#longPress(), LONG_PRESS_MS);
    } else if (this.#phase === "pending" || (this.#phase === "together" && this.#fingers.size === 2)) {
      const [a, b] = this.#fingers.values();
      this.#phase = "together";
      this.#moved = false;
      this.#wheel.reset();
      this.#two = new TwoFingers(a, b);
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
    if (this.#phase === "pending" && !this.#begin(event)) return;
    this.#fingers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
    if (this.#phase === "together") this.#wait();
    else if (this.#phase === "drag" || this.#phase === "hold") {
      if (this.#handlers.relative()) this.#outbox.moveBy(dx / this.#handlers.scale(), dy / this.#handlers.scale());
      else this.#moveTo(event);
    }
  }

  /**
   * Begin a drag, if the finger has moved far enough.
   * @param {PointerEvent} event
   * @returns {boolean}
   */
  #begin(event) {
    if (Math.hypot(event.clientX - this.#start.clientX, event.clientY - this.#start.clientY) < SLOP) return false;
    clearTimeout(this.#timer);
    this.#phase = this.#inside(this.#start) ? "drag" : "done";
    if (this.#phase === "done") return false;
    this.#moveTo(this.#start);
    if (!this.#handlers.relative() || this.#isAgain(this.#start, this.#start.time)) this.#outbox.button(0, true);
    return true;
  }

  /** Each finger has an event of its own: look at both when all events of a frame are there. */
  #wait() {
    if (this.#moved) return;
    this.#moved = true;
    this.#schedule(() => this.#together());
  }

  #together() {
    const [a, b] = this.#fingers.values();
    if (!this.#moved || this.#phase !== "together") return;
    this.#moved = false;
    if (!b) return;
    const unclear = this.#two.kind === "unclear";
    const moved = this.#two.move(a, b);
    if (!moved) return;
    if (unclear && this.#two.kind === "scroll") this.#moveTo(this.#start);
    const rest = this.#pan(-moved.dx, -moved.dy);
    if (this.#two.kind === "pinch") this.#handlers.zoom(moved.factor, moved.middle);
    else {
      const steps = this.#wheel.add({ deltaX: rest.dx * SCROLL_FACTOR, deltaY: rest.dy * SCROLL_FACTOR, deltaMode: 0 });
      this.#outbox.wheel(steps.dx, steps.dy);
    }
  }

  /**
   * Move a picture that is larger than its room.
   * @param {number} dx
   * @param {number} dy CSS pixels, as a wheel's
   * @returns {{dx: number, dy: number}} how much of it was too much
   */
  #pan(dx, dy) {
    const { scrollLeft, scrollTop } = this.#stage;
    this.#stage.scrollBy(dx, dy);
    return { dx: dx - (this.#stage.scrollLeft - scrollLeft), dy: dy - (this.#stage.scrollTop - scrollTop) };
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.#together();
    if (!this.#fingers.delete(event.pointerId)) return;
    clearTimeout(this.#timer);
    if (this.#phase === "pending") this.#tap(event);
    else if (this.#phase === "drag") this.#outbox.button(0, false);
    else if (this.#phase === "hold") this.#outbox.button(2, false);
    else if (this.#phase === "together" && this.#two.kind === "unclear") {
      if (this.#fingers.size) return;
      this.#tap(event);
    }
    this.#phase = this.#fingers.size ? (this.#phase === "together" ? "together" : "done") : "idle";
  }

  /** @param {Place} place @param {number} time @returns {boolean} whether it is a second time there, right after a tap */
  #isAgain({ clientX, clientY }, time) {
    const last = this.#lastTap;
    const near = Math.hypot(clientX - last.clientX, clientY - last.clientY) < DOUBLE_TAP_NEAR;
    return near && time - last.time < DOUBLE_TAP_MS;
  }

  /** @param {PointerEvent} event the last finger left */
  #tap(event) {
    const button = TAP_BUTTONS[this.#most - 1];
    if (button === undefined || !this.#inside(this.#start)) return;
    if (button && event.timeStamp - this.#start.time > LONG_PRESS_MS) return;
    const where = button ? this.#start : event;
    const place = this.#isAgain(event, event.timeStamp) ? this.#lastTap : where;
    if (!button) this.#lastTap = { clientX: place.clientX, clientY: place.clientY, time: event.timeStamp };
    this.#moveTo(place);
    this.#outbox.button(button, true);
    this.#outbox.button(button, false);
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    clearTimeout(this.#timer);
    this.#fingers.delete(event.pointerId);
    this.#phase = this.#fingers.size ? "done" : "idle";
  }
}
