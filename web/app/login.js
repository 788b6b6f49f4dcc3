// @ts-check
/** The login page. A link with `#token=...` signs in at once; the fragment never reaches a server's log. */

import { HOME } from "../core/site.js";
import { asksFirst } from "./ask-first.js";
import { element } from "./elements.js";
import { PasswordForm } from "./password-form.js";
import { warnIfInsecure } from "./insecure.js";
import { methodsOf } from "./sign-in-methods.js";
import { nextPath, signInWith } from "./signin.js";
import { TokenForm } from "./token-form.js";

/** @typedef {import("./sign-in-methods.js").SignInMethod} SignInMethod */

const RETRY_MS = 3_000;

warnIfInsecure();

const problem = element("error", HTMLElement);
const other = element("switch", HTMLButtonElement);
const elsewhere = element("elsewhere", HTMLElement);

const token = new TokenForm(signIn);
/** The forms of this page, by the method that each is for. */
const forms = new Map(Object.entries({ token, pam: new PasswordForm(signIn) }));
/** What the button under the form says, by the method that it leads to. */
const SWITCH = new Map(
  Object.entries({ token: "Use the access token", pam: "Use a user name and password" }),
);

/** The address has a token in it, with which to sign in. */
let linked = false;

/** @param {string} text */
function say(text) {
  problem.textContent = text;
}

/**
 * @param {Record<string, string>} body of the request
 * @returns {Promise<import("./signin.js").Refusal | null>} null: signed in, and the next page is on its way
 */
async function signIn(body) {
  say("");
  const refusal = await signInWith(body);
  if (refusal) say(refusal.text);
  else location.replace(nextPath(new URLSearchParams(location.search).get("next"), location.origin, HOME));
  return refusal;
}

/**
 * Show one form, and a button that leads to the next one.
 * @param {string[]} names of the methods that have a form here, the shown one first
 */
function show(names) {
  for (const [name, form] of forms) form.show(name === names[0]);
  other.hidden = names.length < 2;
  if (other.hidden) return;
  other.textContent = SWITCH.get(names[1]) ?? "";
  other.onclick = () => {
    say("");
    show([...names.slice(1), names[0]]);
  };
}

/**
 * @param {SignInMethod} method one without a form of its own
 * @returns {string} where it begins
 */
function beginning({ href }) {
  const next = new URLSearchParams(location.search).get("next");
  const url = new URL(href, document.baseURI);
  if (next) url.searchParams.set("next", next);
  return url.href;
}

/**
 * Methods without a form of their own are links, to where they begin.
 * @param {SignInMethod[]} links
 */
function link(links) {
  elsewhere.replaceChildren(
    ...links.map((method) => {
      const anchor = document.createElement("a");
      anchor.className = "button";
      anchor.textContent = method.text;
      anchor.href = beginning(method);
      return anchor;
    }),
  );
  elsewhere.hidden = links.length === 0;
}

async function offer() {
  const { methods, problem: why } = await methodsOf();
  if (why) {
    say(why);
    setTimeout(async () => {
      say("");
      await offer();
    }, RETRY_MS);
    return;
  }
  const proxy = methods.find(({ method }) => method === "proxy");
  if (proxy && !asksFirst() && !linked) {
    // The proxy knows who this is: there is nothing to ask.
    location.replace(beginning(proxy));
    return;
  }
  for (const { method, text } of methods) forms.get(method)?.explain(text);
  const withForm = methods.map(({ method }) => method).filter((name) => forms.has(name));
  link(methods.filter(({ href }) => href));
  show(withForm);
  elsewhere.classList.toggle("beside", withForm.length > 0);
}

function signInByLink() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return;
  linked = true;
  history.replaceState(null, "", location.pathname + location.search);
  void token.submit(given.trim());
}

// The same page, with a link pasted into its address bar, is not loaded again.
window.addEventListener("hashchange", signInByLink);
signInByLink();
void offer();
