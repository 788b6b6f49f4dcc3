// @ts-check
/** The card over the picture, the status in the bar, and passing hints. */

import { element } from "./elements.js";

const HINT_MS = 4000;
/** How long one character of a hint takes to be read. */
const READING_MS = 60;

/**
 * Set the text only if it differs: screen readers announce a live region at every change.
 * @param {HTMLElement} target
 * @param {string} text
 */
function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export class Notice {
  #card = element("notice", HTMLElement);
  #title = element("notice-title", HTMLElement);
  #text = element("notice-text", HTMLElement);
  #wait = element("notice-wait", HTMLElement);
  #busy = element("notice-busy", HTMLElement);
  #retry = element("notice-retry", HTMLButtonElement);
  #back = element("notice-back", HTMLAnchorElement);
  #status = element("status", HTMLElement);
  #statusText = element("status-text", HTMLElement);
  #hint = element("hint", HTMLElement);
  #retryAt = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hintTimer;

  /** @param {() => void} retry the viewer does not want to wait */
  constructor(retry) {
    this.#retry.addEventListener("click", retry);
  }

  /**
   * @param {import("./situation.js").Situation} situation
   * @param {number} retryAt when the next attempt comes, in `performance.now()`'s ms; counts while reconnecting
   */
  show(situation, retryAt) {
    say(this.#statusText, situation.status);
    this.#status.dataset.tone = situation.tone;
    this.#card.hidden = !situation.title;
    say(this.#title, situation.title);
    say(this.#text, situation.text);
    this.#busy.hidden = !situation.busy;
    this.#retry.hidden = !situation.retry;
    this.#back.hidden = !situation.back;
    this.#retryAt = retryAt;
    clearInterval(this.#countdown);
    if (situation.state === "reconnecting") {
      this.#countdown = setInterval(() => this.#count(), 250);
      this.#count();
    } else say(this.#wait, "");
  }

  /** @param {string} text shown for a moment */
  hint(text) {
    clearTimeout(this.#hintTimer);
    this.#hint.textContent = text;
    this.#hint.classList.add("shown");
    const shownMs = Math.max(HINT_MS, READING_MS * text.length);
    this.#hintTimer = setTimeout(() => this.#hint.classList.remove("shown"), shownMs);
  }

  /** @param {string} text is not true any more */
  withdraw(text) {
    if (this.#hint.textContent === text) this.#hint.classList.remove("shown");
  }

  #count() {
    const seconds = Math.ceil((this.#retryAt - performance.now()) / 1000);
    say(this.#wait, seconds >= 1 ? `Trying again in ${seconds} s` : "Trying again…");
  }
}
