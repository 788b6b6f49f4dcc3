// @ts-check
/** The dialog that asks whether a running guest may pause to be given its console, and then tells the server. */

import { messageOf, request } from "../core/request.js";
import { at } from "../core/site.js";
import { element, signIn } from "./elements.js";
import { nameOf, sentence } from "./words.js";

/** @typedef {import("../core/domains.js").Domain} Domain */

/** Longer than the portal waits for libvirt before the action begins. */
const ACTION_LIMIT_MS = 30_000;

/**
 * @param {Domain} domain
 * @returns {Promise<string>} why it could not begin; empty: it has
 */
async function begin(domain) {
  const path = at(`api/domains/${encodeURIComponent(domain.uuid)}/actions/attach`);
  try {
    const reply = await request(path, { method: "POST" }, ACTION_LIMIT_MS);
    if (reply.status === 401) signIn();
    return reply.ok ? "" : messageOf(reply) || `the server answered with status ${reply.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

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
    this.#title.textContent = `Give ${nameOf(domain)} its console now?`;
    this.#say("");
    this.#dialog.showModal();
  }

  async #attach() {
    const domain = this.#domain;
    if (!domain) return;
    this.#say("");
    this.#go.disabled = true;
    const failure = await begin(domain);
    this.#go.disabled = false;
    if (domain !== this.#domain) return;
    if (failure) this.#say(sentence(failure));
    else this.#dialog.close();
  }

  /** @param {string} text */
  #say(text) {
    this.#error.textContent = text;
    this.#error.hidden = !text;
  }
}
