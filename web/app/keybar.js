// @ts-check
/**
 * Typing without a keyboard: the system's on-screen keyboard writes into a hidden text field, and a row of
 * buttons has the keys it lacks. Modifiers stick until the next key.
 */

import { difference } from "../core/input/text.js";
import { element } from "./elements.js";

/** Keys that a text field gets as such, even from on-screen keyboards; `key` names them as `code` does. */
const NAMED = /^(Enter|Tab|Escape|Delete|Home|End|PageUp|PageDown|Arrow(Left|Right|Up|Down)|F\d+)$/;
/** The field always holds this text, so that Backspace has something to erase and is reported. */
const FILLING = "_".repeat(32);
const LENGTH_MAX = 256;

export class Keybar {
  #bar = element("keybar", HTMLElement);
  #toggle = element("keyboard", HTMLButtonElement);
  #text = element("text", HTMLTextAreaElement);
  #before = FILLING;
  #input;

  /**
   * @param {() => import("../core/input/input.js").Input} input of the screen that is typed at now
   * @param {() => void} done the keyboard was closed
   */
  constructor(input, done) {
    this.#input = input;
    this.#text.addEventListener("keydown", (event) => this.#named(event));
    this.#text.addEventListener("input", (event) => this.#typed(/** @type {InputEvent} */ (event)));
    this.#text.addEventListener("compositionend", () => this.#refill());
    this.#toggle.addEventListener("click", () => {
      // The bar may be open without the focus: the system has closed its keyboard.
      if (document.activeElement !== this.#text) this.#open();
      else {
        this.#close();
        done();
      }
    });
    // Losing the focus releases all keys, so none sticks any longer.
    this.#text.addEventListener("blur", () => this.unstick());
    // The text field keeps the focus, and so the on-screen keyboard stays.
    for (const place of [this.#bar, this.#toggle]) {
      place.addEventListener("mousedown", (event) => {
        if (event.target !== this.#text) event.preventDefault();
      });
    }
    this.#bar.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("button");
      if (button) this.#pressed(button);
    });
  }

  /** @param {boolean} allowed whether the viewer may use the guest's keyboard */
  set allowed(allowed) {
    this.#toggle.hidden = !allowed;
    if (!allowed && !this.#bar.hidden) this.#close();
  }

  /** Release the modifiers that stick: a key was pressed. */
  unstick() {
    for (const button of this.#held()) this.#hold(button, false);
  }

  #open() {
    this.#bar.hidden = false;
    this.#toggle.ariaPressed = "true";
    this.#refill();
    this.#text.focus();
  }

  #close() {
    this.unstick();
    this.#bar.hidden = true;
    this.#toggle.ariaPressed = "false";
    this.#text.blur();
  }

  #held() {
    return /** @type {NodeListOf<HTMLButtonElement>} */ (this.#bar.querySelectorAll("[data-hold][aria-pressed=true]"));
  }

  /** @param {HTMLButtonElement} button */
  #pressed(button) {
    const { key, hold } = button.dataset;
    if (key) this.#input().typist.press(key);
    else if (hold) this.#hold(button, button.ariaPressed !== "true");
  }

  /** @param {HTMLButtonElement} button @param {boolean} down */
  #hold(button, down) {
    button.ariaPressed = String(down);
    this.#input().key(button.dataset.hold ?? "", down);
  }

  /** @param {KeyboardEvent} event */
  #named(event) {
    if (event.isComposing || !NAMED.test(event.key)) return;
    event.preventDefault();
    this.#input().typist.press(event.key);
  }

  /** @param {InputEvent} event */
  #typed(event) {
    const { erased, typed } = difference(this.#before, this.#text.value);
    this.#before = this.#text.value;
    this.#input().typist.press("Backspace", erased);
    this.#input().typist.type(typed);
    const { length } = this.#before;
    if (!event.isComposing && (length < FILLING.length || length > LENGTH_MAX)) this.#refill();
  }

  #refill() {
    this.#text.value = FILLING;
    this.#before = FILLING;
  }
}
