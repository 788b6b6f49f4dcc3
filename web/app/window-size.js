// @ts-check
/** Asks the guest for a picture of the window's size, while the toggle in the bar is on. */

import { element } from "./elements.js";

const RESIZE_KEY = "libvirt-webrtc.resize";
/** The guest is asked once the window has kept its size for this long: each size is a new mode for the guest. */
const SETTLED_MS = 250;
/** A guest whose picture is still the former one after this long does not follow. */
const FOLLOW_MS = 5000;
/** Guests round a size down, many of them to eight pixels. */
const ROUNDED = 16;

/** @typedef {import("../core/protocol.js").Size} Size */

/** @param {Size} one @param {Size} other */
const apart = (one, other) => Math.max(Math.abs(one.width - other.width), Math.abs(one.height - other.height));

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
  /** Of the consoles that were asked, by index: the size before, until it is clear whether they follow. @type {Map<number, Size>} */
  #before = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #followTimer;
  /** The viewer knows that the guest's desktop does not follow. */
  #told = false;

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
      this.#told = false;
      this.#switch(!this.#on);
      localStorage.setItem(RESIZE_KEY, this.#on ? "on" : "off");
      if (this.#on) {
        // Asked anew, also for the size that it was asked for already.
        for (const viewerConsole of consoles.present) viewerConsole.asked = null;
        this.#ask();
      }
      handlers.done();
    });
  }

  /** @param {boolean} allowed whether the viewer may change the guest's screen */
  set allowed(allowed) {
    this.#toggle.hidden = !allowed;
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
    clearTimeout(this.#followTimer);
    if (taken) this.#followTimer = setTimeout(() => this.#look(), FOLLOW_MS);
  }

  /** Its display device has taken the size; what draws the desktop may not look at that. */
  #look() {
    const stuck = this.#consoles.present.some(({ index, open, shown, enabled, asked, display: { size } }) => {
      const before = this.#before.get(index);
      const showing = open && shown && enabled;
      return showing && before && size && asked && apart(size, before) === 0 && apart(size, asked) >= ROUNDED;
    });
    this.#before.clear();
    if (!stuck || !this.#on || this.#told) return;
    this.#told = true;
    this.#handlers.hint(
      "The guest was told the window’s size, but its desktop keeps another. GNOME follows by itself; elsewhere choose the size " +
        "in the guest’s display settings, or run “xrandr --auto” there.",
    );
  }

  /** @param {boolean} on */
  #switch(on) {
    this.#on = on;
    this.#toggle.ariaPressed = String(on);
    clearTimeout(this.#timer);
    this.#before.clear();
    this.#coming = "";
  }

  #settled() {
    this.#ask();
    this.#coming = "";
  }

  #ask() {
    for (const viewerConsole of this.#wanting()) {
      const { index, display: { size } } = viewerConsole;
      if (size && !this.#before.has(index)) this.#before.set(index, size);
      viewerConsole.resize();
    }
  }

  /** The consoles that show something and were not yet asked for the room that they have. */
  #wanting() {
    return this.#consoles.present.filter(({ open, shown, enabled, viewOnly, asked, display: { room } }) => {
      const news = room && (asked?.width !== room.width || asked?.height !== room.height);
      return open && shown && enabled && !viewOnly && news;
    });
  }
}
