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

  /**
   * @param {HTMLElement} stage focusable; what happens on it is the guest's
   * @param {import("../display.js").Display} display
   * @param {InputHandlers} handlers
   */
  constructor(stage, display, handlers) {
    this.#stage = stage;
    this.#first = handlers.first;
    this.#outbox = new Outbox(handlers.send);
    this.#pointer = new Pointer(stage, this.#outbox, (event) => display.toGuest(event));
    this.#touch = new Touch(stage, this.#outbox, {
      toGuest: (place) => display.toGuest(place),
      relative: () => this.#pointer.relative,
      scale: () => display.scale,
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
    });
    this.typist = new Typist(this.#outbox, handlers.pressed);
    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch") handlers.pointed(display.toGuest(event));
    });
    stage.addEventListener("pointerleave", () => handlers.pointed(null));
    stage.addEventListener("blur", () => this.releaseAll());
    for (const type of ["blur", "pagehide"]) window.addEventListener(type, () => this.releaseAll());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.releaseAll();
    });
    document.addEventListener("pointerlockchange", () => {
      if (!this.#pointer.locked) this.releaseAll();
      handlers.locked(this.#pointer.locked);
    });
  }

  #grabbed() {
    const active = document.activeElement;
    return active === this.#stage || ((active === document.body || active === null) && this.#first());
  }

  /** @param {boolean} absolute whether the guest takes positions */
  set absolute(absolute) {
    this.#pointer.relative = !absolute;
  }

  /** @param {string} code @param {boolean} down */
  key(code, down) {
    this.#outbox.key(code, down);
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
