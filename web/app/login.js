// @ts-check
/** The login page. A link with `#token=...` signs in at once; the fragment never reaches a server's log. */

import { messageOf, request } from "../core/request.js";
import { keepSessionKey } from "../core/session-key.js";
import { element } from "./elements.js";
import { nextPath, refusalWords } from "./signin.js";

const form = element("form", HTMLFormElement);
const field = element("token", HTMLInputElement);
const submit = element("submit", HTMLButtonElement);
const problem = element("error", HTMLElement);

/** @param {string} text */
function say(text) {
  problem.textContent = text;
  field.ariaInvalid = String(text !== "");
}

/**
 * @param {string} token
 * @returns {Promise<string>} why it was refused, for people; empty: signed in
 */
async function submitToken(token) {
  const body = JSON.stringify({ token });
  const headers = { "Content-Type": "application/json" };
  try {
    const reply = await request("/api/session", { method: "POST", headers, body });
    if (reply.ok) keepSessionKey(JSON.parse(reply.text).key);
    return refusalWords(reply.status, messageOf(reply));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @param {string} token */
async function signIn(token) {
  if (!token) {
    say("Enter the token.");
    field.focus();
    return;
  }
  say("");
  submit.disabled = true;
  const refusal = await submitToken(token);
  if (!refusal) {
    location.replace(nextPath(new URLSearchParams(location.search).get("next"), location.origin));
    return;
  }
  submit.disabled = false;
  say(refusal);
  field.select();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void signIn(field.value.trim());
});

function signInByLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  void signIn(token.trim());
}

// The same page, with a link pasted into its address bar, is not loaded again.
window.addEventListener("hashchange", signInByLink);
signInByLink();
