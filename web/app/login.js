// @ts-check
/** The login page. A link with `#token=...` signs in at once; the fragment never reaches a server's log. */

import { element } from "./elements.js";
import { nextPath } from "./next.js";

const form = element("form", HTMLFormElement);
const field = element("token", HTMLInputElement);
const submit = element("submit", HTMLButtonElement);
const problem = element("error", HTMLElement);

/** @type {ReturnType<typeof setInterval> | undefined} */
let waiting;

/** @param {string} text */
function say(text) {
  problem.textContent = text;
  field.ariaInvalid = String(text !== "");
}

/** @param {number} seconds until the server listens again */
function wait(seconds) {
  const until = performance.now() + seconds * 1000;
  submit.disabled = true;
  const count = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left > 0) {
      say(`Too many failed tries. Try again in ${left < 120 ? `${left} s` : `${Math.ceil(left / 60)} min`}.`);
      return;
    }
    clearInterval(waiting);
    submit.disabled = false;
    say("");
  };
  clearInterval(waiting);
  waiting = setInterval(count, 1000);
  count();
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
  let response;
  try {
    response = await fetch("/api/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
  } catch {
    submit.disabled = false;
    say("The server cannot be reached. Is it running?");
    return;
  }
  if (response.ok) {
    location.replace(nextPath(new URLSearchParams(location.search).get("next"), location.origin));
    return;
  }
  submit.disabled = false;
  if (response.status === 429) {
    wait(Number(response.headers.get("Retry-After")) || 60);
  } else if (response.status === 401) {
    say("That token is not right.");
    field.select();
  } else {
    const body = await response.json().catch(() => null);
    say(body?.message || `The server answered ${response.status}.`);
  }
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
