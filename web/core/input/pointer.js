// @ts-check
/**
 * Mouse and pen. Absolute: positions on the picture. Relative: the pointer is locked by a click and its motion
 * is sent, until Escape unlocks it. Fingers are handled by touch.js.
 */

import { WheelSteps } from "./wheel.js";

/** `MouseEvent.buttons` bit of each `MouseEvent.button`. */
const BUTTON_BITS = [1, 4, 2, 8, 16];

/**
 * Only the first button that goes down has an event of its own, so what is held is compared with the event's bits.
 * @param {ReadonlySet<number>} held
 * @param {number} buttons `MouseEvent.buttons`
 * @returns {{button: number, down: boolean}[]}
 */
export function buttonChanges(held, buttons) {
  return BUTTON_BITS.map((bit, button) => ({ button, down: (buttons & bit) !== 0 })).filter(
    ({ button, down }) => down !== held.has(button),
  );
}

export class Pointer {
  #stage;
  #outbox;
  #toGuest;
  #wheel = new WheelSteps();
  /** The guest takes relative motion only. */
  #relative = false;

  /**
   * @param {HTMLElement} stage
   * @param {import("./outbox.js").Outbox} outbox
   * @param {(event: MouseEvent) => {x: number, y: number}} toGuest
   */
  constructor(stage, outbox, toGuest) {
    this.#stage = stage;
    this.#outbox = outbox;
    this.#toGuest = toGuest;
    for (const type of ["pointerdown", "pointermove", "pointerup"]) {
      stage.addEventListener(type, (event) => this.#pointer(/** @type {PointerEvent} */ (event)));
    }
    stage.addEventListener("pointercancel", () => outbox.releaseAll());
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

  /** @param {PointerEvent} event */
  #pointer(event) {
    if (event.pointerType === "touch" || this.#onScrollBar(event)) return;
    if (event.type === "pointerdown") this.#stage.focus({ preventScroll: true });
    if (this.#relative && !this.locked) {
      if (event.type === "pointerup") this.#lock();
      return;
    }
    if (this.locked) this.#outbox.moveBy(event.movementX, event.movementY);
    else {
      const { x, y } = this.#toGuest(event);
      this.#outbox.moveTo(x, y);
      // The button's release is then reported here wherever it happens.
      if (event.type === "pointerdown") this.#stage.setPointerCapture(event.pointerId);
    }
    for (const { button, down } of buttonChanges(this.#outbox.buttons, event.buttons)) {
      this.#outbox.button(button, down);
    }
  }

  #lock() {
    // Refused when the user has just left it with Escape; the next click asks again.
    Promise.resolve(this.#stage.requestPointerLock()).catch(() => undefined);
  }

  /** @param {WheelEvent} event */
  #turn(event) {
    event.preventDefault();
    if (this.#relative && !this.locked) return;
    const { dx, dy } = this.#wheel.add(event);
    this.#outbox.wheel(dx, dy);
  }
}
