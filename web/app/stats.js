// @ts-check
/** The stats overlay: what the picture costs and how late it is. It measures, and asks the server, only while open. */

import { between } from "../core/measure.js";
import { encodeWantStats } from "../core/protocol.js";
import { element } from "./elements.js";
import { figures, inWords } from "./figures.js";

/** @typedef {import("./figures.js").Figures} Figures */
/** @typedef {import("../core/measure.js").Reading} Reading */

const EVERY_MS = 1000;

export class Stats {
  /** What is shown; null while closed, and before anything is known. @type {Figures | null} */
  figures = null;

  #panel = element("stats", HTMLElement);
  #toggle = element("stats-toggle", HTMLButtonElement);
  #bar = element("stats-bar", HTMLElement);
  #session;
  #viewerConsole;
  /** @type {import("../core/protocol.js").ServerStats | null} */
  #server = null;
  /** @type {{of: object, reading: Reading} | null} */
  #before = null;
  /** From arrival to display, of the frames since the last look. @type {number[]} */
  #shownMs = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #frame = 0;
  #connected = false;

  /**
   * @param {import("../core/session.js").Session} session
   * @param {import("./viewer-console.js").ViewerConsole} viewerConsole whose video it is about
   * @param {() => void} done it was opened or closed by a click
   */
  constructor(session, viewerConsole, done) {
    this.#session = session;
    this.#viewerConsole = viewerConsole;
    this.#toggle.addEventListener("click", () => {
      this.toggle();
      done();
    });
    // While the guest has the keyboard, core/input/keyboard.js handles the chord.
    document.addEventListener("keydown", ({ code, ctrlKey, altKey, shiftKey, repeat }) => {
      if (code === "KeyS" && ctrlKey && altKey && shiftKey && !repeat) this.toggle();
    });
  }

  get open() {
    return !this.#panel.hidden;
  }

  /** @param {import("./viewer-console.js").ViewerConsole} viewerConsole whose video it is about from now on */
  set viewerConsole(viewerConsole) {
    if (viewerConsole === this.#viewerConsole) return;
    const { open } = this;
    if (open) this.toggle();
    this.#viewerConsole = viewerConsole;
    if (open) this.toggle();
  }

  /** @param {boolean} connected whether there is a server to ask; every connection is asked anew */
  set connected(connected) {
    if (connected === this.#connected) return;
    this.#connected = connected;
    this.#server = null;
    if (connected && this.open) this.#viewerConsole.send(encodeWantStats(true));
  }

  /** @param {import("../core/protocol.js").ServerStats} stats */
  receive(stats) {
    this.#server = stats;
  }

  toggle() {
    const open = !this.open;
    this.#panel.hidden = !open;
    this.#toggle.ariaPressed = String(open);
    this.#viewerConsole.send(encodeWantStats(open));
    clearInterval(this.#timer);
    if (open) {
      this.#timer = setInterval(() => void this.#look(), EVERY_MS);
      void this.#look();
      this.#watchFrames();
    } else {
      if (this.#frame) this.#viewerConsole.video.cancelVideoFrameCallback(this.#frame);
      this.#frame = 0;
      this.#shownMs = [];
      this.#before = this.#server = this.figures = null;
    }
  }

  /** Note how long frames take to be shown. Not every browser has frame callbacks, or tells when a frame arrived. */
  #watchFrames() {
    if (!("requestVideoFrameCallback" in this.#viewerConsole.video)) return;
    const shown = (/** @type {number} */ _, /** @type {VideoFrameCallbackMetadata} */ frame) => {
      if (frame.receiveTime) this.#shownMs.push(frame.expectedDisplayTime - frame.receiveTime);
      this.#frame = this.#viewerConsole.video.requestVideoFrameCallback(shown);
    };
    this.#frame = this.#viewerConsole.video.requestVideoFrameCallback(shown);
  }

  async #look() {
    const now = await this.#session.read(this.#viewerConsole.display.source);
    if (!this.open) return;
    if (!now) {
      this.#before = this.figures = null;
    } else {
      const { reading } = now;
      const before = this.#before?.of === now.of ? this.#before.reading : null;
      const shown = this.#shownMs.sort((a, b) => a - b);
      this.figures = figures({
        reading,
        flow: before && between(before, reading),
        server: this.#server,
        inputRoundTripMs: this.#session.roundTripMs,
        shownMs: shown.length ? Math.max(shown[shown.length >> 1], 0) : null,
        last: before && this.figures,
      });
      this.#before = now;
    }
    this.#shownMs = [];
    this.#render();
  }

  #render() {
    const words = inWords(this.figures);
    for (const place of /** @type {NodeListOf<HTMLElement>} */ (this.#panel.querySelectorAll("[data-figure]"))) {
      place.textContent = words[place.dataset.figure ?? ""];
    }
    const { serverMs = null, networkMs = null, browserMs = null } = this.figures ?? {};
    const parts = [serverMs, networkMs, browserMs];
    [...this.#bar.children].forEach((part, i) => {
      /** @type {HTMLElement} */ (part).style.flexGrow = String(parts[i] ?? 0);
    });
  }
}
