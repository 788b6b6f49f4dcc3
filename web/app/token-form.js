// @ts-check
import { element } from "./elements.js";
import { SignInForm } from "./sign-in-form.js";

/** @typedef {import("./sign-in-form.js").SignIn} SignIn */

/** Signing in by the server's token. */
export class TokenForm extends SignInForm {
  #field = element("token", HTMLInputElement);

  /** @param {SignIn} signIn */
  constructor(signIn) {
    super("by-token", signIn);
  }

  /** @param {string} [token] by default what is in the field */
  async submit(token = this.#field.value.trim()) {
    if (!token) {
      this.complain([this.#field], "Enter the token.");
      return;
    }
    if (await this.send({ token })) this.mark([this.#field]);
  }

  focus() {
    this.#field.focus();
  }
}
