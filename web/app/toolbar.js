// @ts-check
/** The console's bar: scaling, full screen, Ctrl+Alt+Del, and its hiding in full screen. */

import { element } from "./elements.js";

const SCALING_KEY = "libvirt-webrtc.scaling";
/** In full screen a tap shows the bar for this long; a finger cannot hover over it. */
const SHOWN_MS = 4000;
const KEYS_PASS =
  "Esc, Ctrl+T and the like go to the guest. Hold Esc to leave full screen; Ctrl+Alt+Shift gives the keyboard back to the browser.";
const KEYS_STAY =
  "This browser keeps keys such as Ctrl+T, and Esc, which leaves full screen; the on-screen keyboard sends Esc to the guest. " +
  "Ctrl+Alt+Shift gives the keyboard back to the browser.";

/** @typedef {import("../core/geometry.js").Scaling} Scaling */
/** @type {Scaling[]} */
const SCALINGS = ["fit", "actual", "whole"];

export class Toolbar {
  #bar = element("bar", HTMLElement);
  #scaling = element("scaling", HTMLSelectElement);
  #fullscreen = element("fullscreen", HTMLButtonElement);
  #ctrlAltDel = element("ctrl-alt-del", HTMLButtonElement);
  #handlers;
  #keysPass = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} handlers
   * @param {(scaling: Scaling) => void} handlers.scale
   * @param {() => void} handlers.ctrlAltDel
   * @param {(text: string) => void} handlers.hint
   * @param {() => void} handlers.done something was chosen: the keyboard is the guest's again
   */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#scaling.addEventListener("change", () => {
      this.#scale(this.#scaling.value);
      handlers.done();
    });
    this.#ctrlAltDel.addEventListener("click", () => {
      handlers.ctrlAltDel();
      handlers.done();
    });
    this.#fullscreen.hidden = !document.fullscreenEnabled;
    this.#fullscreen.addEventListener("click", () => void this.#toggleFullscreen());
    document.addEventListener("fullscreenchange", () => void this.#fullscreenChanged());
    element("handle", HTMLButtonElement).addEventListener("click", () => this.#reveal());
    this.#scale(localStorage.getItem(SCALING_KEY));
  }

  /** @param {boolean} connected whether there is a guest to send anything to */
  set connected(connected) {
    this.#ctrlAltDel.disabled = !connected;
  }

  /** @param {boolean} allowed whether the viewer may use the guest's keyboard */
  set allowed(allowed) {
    this.#ctrlAltDel.hidden = !allowed;
  }

  /** @returns {boolean} whether the browser passes on its own keys, and Esc, which has to be held then to leave */
  get keysPass() {
    return this.#keysPass;
  }

  /** Give the keyboard to the bar. */
  focus() {
    this.#scaling.focus();
  }

  /** @param {string | null} wanted */
  #scale(wanted) {
    const scaling = SCALINGS.find((each) => each === wanted) ?? "fit";
    this.#scaling.value = scaling;
    localStorage.setItem(SCALING_KEY, scaling);
    this.#handlers.scale(scaling);
  }

  async #toggleFullscreen() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await document.documentElement.requestFullscreen({ navigationUI: "hide" });
    } catch (error) {
      console.warn("full screen was refused:", error);
    }
    this.#handlers.done();
  }

  async #fullscreenChanged() {
    const full = document.fullscreenElement !== null;
    this.#fullscreen.ariaPressed = String(full);
    // Keyboard lock, where the browser has it, passes on the keys that the browser or the system would use itself.
    const keyboard = /** @type {{keyboard?: {lock(): Promise<void>, unlock(): void}}} */ (navigator).keyboard;
    this.#keysPass = false;
    if (!full) {
      keyboard?.unlock();
      return;
    }
    try {
      await keyboard?.lock();
      this.#keysPass = keyboard !== undefined && document.fullscreenElement !== null;
    } catch (error) {
      console.warn("the system's keys stay the system's:", error);
    }
    if (document.fullscreenElement !== null) this.#handlers.hint(this.#keysPass ? KEYS_PASS : KEYS_STAY);
  }

  #reveal() {
    clearTimeout(this.#timer);
    this.#bar.classList.add("shown");
    this.#timer = setTimeout(() => this.#bar.classList.remove("shown"), SHOWN_MS);
  }
}
