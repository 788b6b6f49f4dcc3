// @ts-check
import { element } from "./elements.js";
import { SignInForm } from "./sign-in-form.js";

/** @typedef {import("./sign-in-form.js").SignIn} SignIn */

/** What the server says where the password was right, and a code has to come with it. */
const CODE_NEEDED = "code_needed";
const WRONG_CODE = "wrong_code";

/** Signing in as a user of the host, by password and, where it is asked for, a code. */
export class PasswordForm extends SignInForm {
  #user = element("user", HTMLInputElement);
  #password = element("password", HTMLInputElement);
  #code = element("code", HTMLInputElement);
  #who = element("who", HTMLElement);
  #second = element("second", HTMLElement);

  /** @param {SignIn} signIn */
  constructor(signIn) {
    super("pam", signIn);
  }

  async submit() {
    const user = this.#user.value.trim();
    const password = this.#password.value;
    const code = this.#code.value.replace(/\s/g, "");
    if (!user) this.complain([this.#user], "Enter your user name.");
    else if (!password) this.complain([this.#password], "Enter your password.");
    else if (!this.#second.hidden && !code) this.complain([this.#code], "Enter the code.");
    else await this.#try(user, password, code);
  }

  focus() {
    if (!this.#second.hidden) this.#code.focus();
    else if (this.#user.value) this.#password.focus();
    else this.#user.focus();
  }

  /**
   * @param {string} user
   * @param {string} password
   * @param {string} code empty: none was asked for so far
   */
  async #try(user, password, code) {
    const refusal = await this.send(code ? { user, password, code } : { user, password });
    if (!refusal) return;
    const { kind } = refusal;
    const codeIsAsked = kind === CODE_NEEDED || kind === WRONG_CODE;
    this.#second.hidden = !codeIsAsked;
    this.#who.hidden = codeIsAsked;
    if (kind === CODE_NEEDED) {
      this.#code.value = "";
      this.explain(`Signing in as ${user}.`);
    }
    if (kind === WRONG_CODE) this.mark([this.#code]);
    else if (codeIsAsked) this.focus();
    else this.mark([this.#password]);
  }
}
