// @ts-check
/** All input of one console. Releases what is held whenever the stage, the window or the page loses the focus. */

import { Keyboard } from "./keyboard.js";
import { Outbox } from "./outbox.js";
import { Pointer } from "./pointer.js";
import { Typist } from "./text.js";
import { Touch } from "./touch.js";

/**
 * @typedef {object} InputHandlers
 * @property {(message: Uint8Array<ArrayBuffer>) => void} send
 * @property {() => boolean} first whether what is typed while nothing has the focus goes here
 * @property {() => void} leave the way out of the grab was pressed
 * @property {() => void} pressed a key that is no modifier went down
 * @property {() => void} stats the chord for the statistics was pressed
 * @property {(characters: string) => void} lacking these could not be typed: there are no keys for them
 * @property {(key: string) => void} unknown a key could not be sent, since nothing tells which one it is; its `KeyboardEvent.key`
 * @property {(locked: boolean) => void} locked the pointer was locked, or is free again
 * @property {(touched: {x: number, y: number}) => void} touched a finger moved the pointer there
 * @property {(mouse: {x: number, y: number} | null) => void} pointed a mouse did; null: it has left the picture
 */

export class Input {
  #outbox;
  #keyboard;
  #pointer;
  #touch;
  #stage;
  #first;
  /** Whether anything goes to the guest; else keys are the browser's. */
  enabled = true;
  /** The window has lost the focus: what is typed now is another window's, though some of it may still arrive here. */
  #away = false;

  /**
   * @param {HTMLElement} stage focusable; what happens on it is the guest's
   * @param {import("../display.js").Display} display
   * @param {InputHandlers} handlers
   */
  constructor(stage, display, handlers) {
    this.#stage = stage;
    this.#first = handlers.first;
    this.#outbox = new Outbox((message) => {
      if (this.enabled) handlers.send(message);
    });
    const places = {
      toGuest: (/** @type {import("./two-fingers.js").Place} */ place) => display.toGuest(place),
      inside: (/** @type {import("./two-fingers.js").Place} */ place) => display.isInside(place),
      scale: () => display.scale,
    };
    this.#pointer = new Pointer(stage, this.#outbox, { ...places, lend: (event) => this.#keyboard.lend(event) });
    this.#touch = new Touch(stage, this.#outbox, {
      ...places,
      relative: () => this.#pointer.relative,
      zoom: (factor, place) => display.zoomBy(factor, place),
      moved: (x, y) => handlers.touched({ x, y }),
    });
    this.#keyboard = new Keyboard(window, this.#outbox, {
      grabbed: () => this.#grabbed(),
      leave: () => {
        this.releaseAll();
        if (this.#pointer.locked) document.exitPointerLock();
        handlers.leave();
      },
      pressed: handlers.pressed,
      stats: handlers.stats,
      nameless: (key) => {
        if ([...key].length === 1) this.typist.type(key);
        else handlers.unknown(key);
      },
    });
    this.typist = new Typist(this.#outbox, { pressed: handlers.pressed, lacking: handlers.lacking });
    for (const type of ["pointerdown", "pointermove", "pointerup", "wheel"]) {
      window.addEventListener(type, (event) => this.#flags(/** @type {PointerEvent} */ (event)), { capture: true, passive: true });
    }
    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch") handlers.pointed(display.toGuest(event));
    });
    stage.addEventListener("pointerleave", () => handlers.pointed(null));
    stage.addEventListener("blur", () => this.releaseAll());
    window.addEventListener("blur", () => {
      this.#away = true;
      this.releaseAll();
    });
    window.addEventListener("focus", () => {
      this.#away = false;
    });
    window.addEventListener("pagehide", () => this.releaseAll());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.releaseAll();
    });
    document.addEventListener("pointerlockchange", () => {
      if (!this.#pointer.locked) this.releaseAll();
      handlers.locked(this.#pointer.locked);
    });
  }

  /**
   * Wherever on the page the mouse is, its events tell of the keyboard's modifiers. Those of fingers do not everywhere.
   * @param {MouseEvent & {pointerType?: string}} event
   */
  #flags(event) {
    if (event.pointerType !== "touch") this.#keyboard.lift(event);
  }

  #grabbed() {
    if (!this.enabled) return false;
    if (this.#away && !document.hasFocus()) return false;
    const active = document.activeElement;
    return active === this.#stage || ((active === document.body || active === null) && this.#first());
  }

  /** @returns {boolean} whether a click locks a relative pointer */
  get lockable() {
    return this.#pointer.lockable;
  }

  /** @returns {boolean} nothing is held, and nothing was sent for a moment */
  get idle() {
    return this.#outbox.idle;
  }

  /** @param {boolean} absolute whether the guest takes positions */
  set absolute(absolute) {
    this.#pointer.relative = !absolute;
  }

  /** @param {string} code @param {boolean} down */
  key(code, down) {
    this.#outbox.key(code, down);
  }

  /** @param {number} button `MouseEvent.button`, pressed and released */
  click(button) {
    this.#outbox.button(button, true);
    this.#outbox.button(button, false);
  }

  /** @param {string[]} codes pressed together */
  chord(...codes) {
    this.#outbox.chord(...codes);
  }

  releaseAll() {
    this.typist.clear();
    this.#keyboard.reset();
    this.#touch.reset();
    this.#outbox.releaseAll();
  }
}
