// @ts-check
import { element } from "./elements.js";

/** @typedef {import("./signin.js").Refusal} Refusal */
/** @typedef {(body: Record<string, string>) => Promise<Refusal | null>} SignIn null: signed in, and the page is about to go */

/** One form of the login page. */
export class SignInForm {
  #form;
  #signIn;
  #submit;
  #problem = element("error", HTMLElement);

  /**
   * @param {string} id the form's
   * @param {SignIn} signIn
   */
  constructor(id, signIn) {
    this.#form = element(id, HTMLFormElement);
    this.#signIn = signIn;
    const submit = this.#form.querySelector("button");
    if (!submit) throw new Error(`the form #${id} has no button`);
    this.#submit = submit;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
  }

  /** Send what is in the fields, or say what is missing. */
  async submit() {}

  /** Put the cursor where one begins to type. */
  focus() {}

  /** @param {boolean} shown */
  show(shown) {
    this.#form.hidden = !shown;
    if (shown) this.focus();
  }

  /** @param {string} text what the page says of this way of signing in */
  explain(text) {
    const help = this.#form.querySelector(".help");
    if (help) help.textContent = text;
  }

  /**
   * Send, with the button off meanwhile.
   * @param {Record<string, string>} body
   * @returns {Promise<Refusal | null>}
   */
  async send(body) {
    for (const field of this.#form.querySelectorAll("input")) field.ariaInvalid = "false";
    this.#submit.disabled = true;
    const refusal = await this.#signIn(body);
    if (refusal) this.#submit.disabled = false;
    return refusal;
  }

  /**
   * Something is missing before anything is sent.
   * @param {HTMLInputElement[]} fields
   * @param {string} text
   */
  complain(fields, text) {
    this.#problem.textContent = text;
    this.mark(fields);
  }

  /**
   * Show which fields are wrong, with the cursor in the last of them.
   * @param {HTMLInputElement[]} fields
   */
  mark(fields) {
    for (const field of fields) field.ariaInvalid = "true";
    fields.at(-1)?.select();
  }
}
