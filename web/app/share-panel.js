// @ts-check
/** The panel in which links to this console are made, listed and revoked. */

import { fetchLinks, LinksError, makeLink, revokeLink } from "../core/links.js";
import { element, signIn } from "./elements.js";
import { lifeWords, roleWords, TIMES } from "./share-words.js";
import { sentence, visible } from "./words.js";

/** @typedef {import("../core/links.js").ShareLink} ShareLink */

/** The list is asked for anew this often while it is open: others make links, too, and links end. */
const EVERY_MS = 5000;

export class SharePanel {
  #panel = element("share", HTMLElement);
  #toggle = element("share-toggle", HTMLButtonElement);
  #form = element("share-form", HTMLFormElement);
  #role = element("share-role", HTMLSelectElement);
  #time = element("share-time", HTMLSelectElement);
  #once = element("share-once", HTMLInputElement);
  #make = element("share-make", HTMLButtonElement);
  #error = element("share-error", HTMLElement);
  #made = element("share-made", HTMLElement);
  #address = element("share-address", HTMLInputElement);
  #copy = element("share-copy", HTMLButtonElement);
  #list = element("share-list", HTMLUListElement);
  #heading = element("share-heading", HTMLElement);
  #uuid;
  #done;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** What is said is about the list, and not about what the viewer did: the next list may take it back. */
  #ofList = false;

  /**
   * @param {string} uuid the domain's
   * @param {() => void} done it was closed: the keyboard is the guest's again
   */
  constructor(uuid, done) {
    this.#uuid = uuid;
    this.#done = done;
    element("share-close", HTMLButtonElement).addEventListener("click", () => this.#close());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.#close();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#do(() => this.#makeOne());
    });
    this.#address.addEventListener("focus", () => this.#address.select());
    this.#copy.addEventListener("click", () => void this.#copyAddress());
  }

  get open() {
    return !this.#panel.hidden;
  }

  toggle() {
    if (this.open) this.#close();
    else this.#show();
  }

  #show() {
    this.#panel.hidden = false;
    this.#toggle.ariaPressed = "true";
    this.#forget();
    this.#say("");
    this.#role.focus();
    this.#timer = setInterval(() => void this.#do(() => this.#look(), true), EVERY_MS);
    void this.#do(() => this.#look(), true);
  }

  #close() {
    clearInterval(this.#timer);
    this.#panel.hidden = true;
    this.#toggle.ariaPressed = "false";
    this.#forget();
    this.#done();
  }

  /** The link is shown once. */
  #forget() {
    this.#made.hidden = true;
    this.#address.value = "";
  }

  /** @param {() => Promise<void>} work @param {boolean} [ofList] asks for the list, and does nothing else */
  async #do(work, ofList = false) {
    try {
      await work();
    } catch (error) {
      if (error instanceof LinksError && error.signedOut) signIn();
      this.#say(error instanceof Error ? sentence(error.message) : String(error), ofList);
    }
  }

  async #look() {
    const { links, roles, longest_s } = await fetchLinks(this.#uuid);
    if (!this.open) return;
    this.#offer(this.#role, roles.map((role) => [role, roleWords(role)]));
    const times = TIMES.filter(({ seconds }) => seconds <= longest_s);
    this.#offer(this.#time, times.map(({ seconds, words }) => [String(seconds), words]));
    this.#make.disabled = !roles.length || !times.length;
    if (this.#make.disabled) this.#say("Links are not made here.", true);
    else if (this.#ofList) this.#say("");
    this.#heading.hidden = !links.length;
    this.#list.replaceChildren(...links.map((link) => this.#row(link)));
  }

  async #makeOne() {
    this.#say("");
    this.#make.disabled = true;
    try {
      const wanted = { role: this.#role.value, seconds: Number(this.#time.value), once: this.#once.checked };
      this.#address.value = await makeLink(this.#uuid, wanted);
      this.#copy.textContent = "Copy";
      this.#made.hidden = false;
      this.#copy.focus();
    } finally {
      this.#make.disabled = false;
    }
    await this.#look();
  }

  async #copyAddress() {
    try {
      await navigator.clipboard.writeText(this.#address.value);
      this.#copy.textContent = "Copied";
    } catch {
      // Not over plain HTTP, and not where the user forbids it.
      this.#address.focus();
      this.#copy.textContent = "Press Ctrl+C";
    }
  }

  /** @param {ShareLink} link */
  #row(link) {
    const row = document.createElement("li");
    const words = document.createElement("p");
    const what = document.createElement("strong");
    what.textContent = roleWords(link.role);
    const rest = document.createElement("span");
    rest.textContent = `${lifeWords(link)} · ${visible(link.owner)}`;
    words.append(what, rest);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Revoke";
    button.addEventListener("click", () => {
      button.disabled = true;
      void this.#do(async () => {
        await revokeLink(this.#uuid, link.id);
        await this.#look();
      });
    });
    row.append(words, button);
    return row;
  }

  /**
   * Give a choice its options, and keep what is chosen where it is still there.
   * @param {HTMLSelectElement} select
   * @param {string[][]} options value and words
   */
  #offer(select, options) {
    const before = [...select.options].map(({ value }) => value);
    if (before.join() === options.map(([value]) => value).join()) return;
    const chosen = select.value || select.dataset.default;
    select.replaceChildren(...options.map(([value, words]) => new Option(words, value, false, value === chosen)));
  }

  /** @param {string} text @param {boolean} [ofList] */
  #say(text, ofList = false) {
    this.#ofList = ofList;
    this.#error.textContent = text;
    this.#error.hidden = !text;
  }
}
