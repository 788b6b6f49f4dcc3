// @ts-check
/** Asks whether a running guest may pause for its console, and asks the server then. */

import { element, signIn } from "./elements.js";
import { sentence } from "./words.js";

/** @typedef {import("../core/domains.js").Domain} Domain */

export class AttachDialog {
  #dialog = element("attach", HTMLDialogElement);
  #title = element("attach-title", HTMLElement);
  #error = element("attach-error", HTMLElement);
  #go = element("attach-go", HTMLButtonElement);
  /** The domain it asks about; null once somebody changed their mind. @type {Domain | null} */
  #domain = null;

  constructor() {
    this.#go.addEventListener("click", () => void this.#attach());
    element("attach-cancel", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#domain = null;
    });
  }

  /** @param {Domain} domain */
  open(domain) {
    this.#domain = domain;
    this.#title.textContent = `Give ${domain.name} its console now?`;
    this.#say("");
    this.#dialog.showModal();
  }

  async #attach() {
    const domain = this.#domain;
    if (!domain) return;
    this.#say("");
    this.#go.disabled = true;
    const path = `/api/domains/${encodeURIComponent(domain.uuid)}/actions/attach`;
    const response = await fetch(path, { method: "POST" }).catch(() => null);
    const refusal = response && !response.ok ? await response.json().catch(() => null) : null;
    this.#go.disabled = false;
    if (domain !== this.#domain) return;
    if (response?.ok) this.#dialog.close();
    else if (response?.status === 401) signIn();
    else this.#say(sentence(refusal?.message) || "The server cannot be reached. Is it running?");
  }

  /** @param {string} text */
  #say(text) {
    this.#error.textContent = text;
    this.#error.hidden = !text;
  }
}
