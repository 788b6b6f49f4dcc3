// @ts-check
/** Asks the guest for a picture of the window's size, while the toggle in the bar is on. */

import { element } from "./elements.js";

const RESIZE_KEY = "libvirt-webrtc.resize";
/** The guest is asked once the window has kept its size for this long: each size is a new mode for the guest. */
const SETTLED_MS = 250;

export class WindowSize {
  #toggle = element("resize", HTMLButtonElement);
  #consoles;
  #handlers;
  #on = localStorage.getItem(RESIZE_KEY) === "on";
  /** The viewer has just switched it on: say so where the guest cannot follow. */
  #curious = false;
  /** What will be asked for once the window keeps its size. */
  #coming = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("./viewer-consoles.js").ViewerConsoles} consoles
   * @param {object} handlers
   * @param {(text: string) => void} handlers.hint
   * @param {() => void} handlers.done the keyboard is the guest's again
   */
  constructor(consoles, handlers) {
    this.#consoles = consoles;
    this.#handlers = handlers;
    this.#toggle.ariaPressed = String(this.#on);
    this.#toggle.addEventListener("click", () => {
      this.#curious = !this.#on;
      this.#switch(!this.#on);
      localStorage.setItem(RESIZE_KEY, this.#on ? "on" : "off");
      if (this.#on) {
        for (const viewerConsole of this.#wanting()) viewerConsole.resize();
      }
      handlers.done();
    });
  }

  /** @param {boolean} connected whether there is a guest to ask */
  set connected(connected) {
    this.#toggle.disabled = !connected;
  }

  /** Something about a console has changed, maybe the room for its picture. */
  update() {
    const wanting = this.#on ? this.#wanting() : [];
    const coming = JSON.stringify(wanting.map(({ index, display }) => [index, display.room]));
    if (coming === this.#coming) return;
    this.#coming = coming;
    clearTimeout(this.#timer);
    if (wanting.length) this.#timer = setTimeout(() => this.#settled(), SETTLED_MS);
  }

  /** @param {boolean} taken whether the guest's display device takes a size */
  answered(taken) {
    if (!taken) {
      // The viewer's choice stays for other guests.
      this.#switch(false);
      if (this.#curious) this.#handlers.hint("This guest’s display device has no way to follow the window.");
    }
    this.#curious = false;
  }

  /** @param {boolean} on */
  #switch(on) {
    this.#on = on;
    this.#toggle.ariaPressed = String(on);
    clearTimeout(this.#timer);
    this.#coming = "";
  }

  #settled() {
    for (const viewerConsole of this.#wanting()) viewerConsole.resize();
    this.#coming = "";
  }

  /** The consoles that show something and were not yet asked for the room that they have. */
  #wanting() {
    return this.#consoles.present.filter(({ open, shown, enabled, asked, display: { room } }) => {
      const news = room && (asked?.width !== room.width || asked?.height !== room.height);
      return open && shown && enabled && news;
    });
  }
}
