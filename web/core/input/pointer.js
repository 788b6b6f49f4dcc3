// @ts-check
/**
 * Mouse and pen. Absolute: positions on the picture. Relative: the pointer is locked by a click and its motion
 * is sent, until Escape unlocks it; a browser that cannot lock it sends its motion over the picture. Fingers are handled by touch.js.
 */

import { WheelSteps } from "./wheel.js";

/** `MouseEvent.buttons` bit of each `MouseEvent.button`. */
const BUTTON_BITS = [1, 4, 2, 8, 16];

/**
 * @param {{button: number, buttons: number}} event
 * @returns {boolean} whether it is about a button that went down
 */
function isPress({ button, buttons }) {
  return ((BUTTON_BITS[button] ?? 0) & buttons) !== 0;
}

/**
 * Only the first button that goes down and the last one that goes up have events of their own, those between are motion; so
 * what is held is compared with the event's bits. A button that went down elsewhere, or before everything was released, is
 * nobody's until it is pressed anew.
 * @param {ReadonlySet<number>} held
 * @param {{button: number, buttons: number}} event
 * @param {boolean} here whether what is pressed by it is the guest's
 * @returns {{button: number, down: boolean}[]}
 */
export function buttonChanges(held, event, here) {
  const pressed = here && isPress(event) ? event.button : -1;
  return BUTTON_BITS.map((bit, button) => ({ button, down: (event.buttons & bit) !== 0 })).filter(
    ({ button, down }) => down !== held.has(button) && (!down || button === pressed),
  );
}

/**
 * @typedef {object} PointerHandlers
 * @property {(place: {clientX: number, clientY: number}) => {x: number, y: number}} toGuest
 * @property {(place: {clientX: number, clientY: number}) => boolean} inside whether that is a place of the picture
 * @property {() => number} scale CSS pixels per guest pixel
 * @property {(event: MouseEvent) => void} lend what the event says of the keyboard's modifiers is to be so in the guest
 */

export class Pointer {
  #stage;
  #outbox;
  #handlers;
  #wheel = new WheelSteps();
  /** The guest takes relative motion only. */
  #relative = false;
  /** Where the mouse was last, while it is not locked and yet relative. @type {{x: number, y: number} | null} */
  #last = null;
  /** A click that began on the picture goes on. */
  #clicking = false;

  /**
   * @param {HTMLElement} stage
   * @param {import("./outbox.js").Outbox} outbox
   * @param {PointerHandlers} handlers
   */
  constructor(stage, outbox, handlers) {
    this.#stage = stage;
    this.#outbox = outbox;
    this.#handlers = handlers;
    for (const type of ["pointerdown", "pointermove", "pointerup"]) {
      stage.addEventListener(type, (event) => this.#pointer(/** @type {PointerEvent} */ (event)));
    }
    stage.addEventListener("pointercancel", () => outbox.releaseAll());
    stage.addEventListener("pointerleave", () => {
      this.#last = null;
    });
    stage.addEventListener("wheel", (event) => this.#turn(event), { passive: false });
    // Prevents menus, scrolling by the middle button, going back by the fourth, and selection.
    for (const type of ["contextmenu", "mousedown", "mouseup", "auxclick", "dragstart"]) {
      stage.addEventListener(type, (event) => {
        if (!this.#onScrollBar(/** @type {MouseEvent} */ (event))) event.preventDefault();
      });
    }
  }

  get locked() {
    return document.pointerLockElement === this.#stage;
  }

  /** @returns {boolean} whether this browser can lock the pointer at all; those of phones and tablets cannot */
  get lockable() {
    return typeof this.#stage.requestPointerLock === "function";
  }

  /** @param {boolean} relative */
  set relative(relative) {
    this.#relative = relative;
    if (!relative && this.locked) document.exitPointerLock();
  }

  get relative() {
    return this.#relative;
  }

  /** @param {MouseEvent} event */
  #onScrollBar(event) {
    const { clientWidth, clientHeight } = this.#stage;
    return event.target === this.#stage && (event.offsetX >= clientWidth || event.offsetY >= clientHeight);
  }

  /** @returns {boolean} whether a click has to lock the pointer before anything is the guest's */
  #mustLock() {
    return this.#relative && !this.locked && this.lockable;
  }

  /** @param {PointerEvent} event */
  #pointer(event) {
    if (event.pointerType === "touch" || this.#onScrollBar(event)) return;
    if (event.type === "pointerdown") this.#stage.focus({ preventScroll: true });
    // Whatever is pressed during a drag belongs to it, wherever that has led.
    const here = this.locked || this.#outbox.buttons.size > 0 || this.#handlers.inside(event);
    if (this.#mustLock()) this.#click(event, here);
    else {
      this.#move(event);
      const changes = buttonChanges(this.#outbox.buttons, event, here);
      if (changes.some(({ down }) => down)) this.#handlers.lend(event);
      for (const { button, down } of changes) this.#outbox.button(button, down);
      // The button's release is then reported here wherever it happens.
      if (event.type === "pointerdown" && here && !this.locked) this.#stage.setPointerCapture(event.pointerId);
    }
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.locked) this.#outbox.moveBy(event.movementX, event.movementY);
    else if (this.#relative) {
      const { clientX: x, clientY: y } = event;
      const [before, scale] = [this.#last ?? { x, y }, this.#handlers.scale()];
      this.#last = { x, y };
      if (x !== before.x || y !== before.y) this.#outbox.moveBy((x - before.x) / scale, (y - before.y) / scale);
    } else {
      const { x, y } = this.#handlers.toGuest(event);
      this.#outbox.moveTo(x, y);
    }
  }

  /** @param {PointerEvent} event @param {boolean} here */
  #click({ type }, here) {
    if (type === "pointerdown") this.#clicking = here;
    else if (type === "pointerup" && this.#clicking) {
      this.#clicking = false;
      // Refused when the user has just left it with Escape; the next click asks again.
      Promise.resolve(this.#stage.requestPointerLock()).catch(() => undefined);
    }
  }

  /** @param {WheelEvent} event */
  #turn(event) {
    event.preventDefault();
    if (this.#mustLock()) return;
    const { dx, dy } = this.#wheel.add(event, devicePixelRatio);
    if (dx || dy) this.#handlers.lend(event);
    this.#outbox.wheel(dx, dy);
  }
}
