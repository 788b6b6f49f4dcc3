// @ts-check
/**
 * The page to which an OpenID provider sends its users back, and with which users of a reverse proxy begin: it trades what it
 * was given for a session. A page that does so, and no redirection: the session's cookie is for requests from this site only,
 * and a redirection that began at another site is none.
 */

import { messageOf, request } from "../core/request.js";
import { keepSessionKey } from "../core/session-key.js";
import { at, HOME } from "../core/site.js";
import { askFirst, askNoMore } from "./ask-first.js";
import { element } from "./elements.js";
import { nextPath } from "./signin.js";
import { sentence } from "./words.js";

/** What of its address the provider's answer is made of. */
const PARAMETERS = ["code", "state", "iss", "error"];

const byProxy = location.pathname === at("login/proxy/begin");
const asked = new URLSearchParams(location.search);
// The code counts once; it should not stay in the history.
history.replaceState(null, "", location.pathname);

/** @param {string} text */
function fail(text) {
  askFirst();
  element("title", HTMLElement).textContent = "Not signed in";
  element("error", HTMLElement).textContent = text;
  element("again", HTMLElement).hidden = false;
}

async function signIn() {
  /** @type {Record<string, string>} */
  const body = {};
  for (const name of byProxy ? [] : PARAMETERS) {
    const value = asked.get(name);
    if (value !== null) body[name] = value;
  }
  const url = at(byProxy ? "api/session/proxy" : "api/session/oidc");
  const headers = { "Content-Type": "application/json" };
  const reply = await request(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!reply.ok) {
    fail(sentence(messageOf(reply)) || `The server answered with status ${reply.status}.`);
    return;
  }
  const { key, next } = JSON.parse(reply.text);
  keepSessionKey(key);
  askNoMore();
  location.replace(nextPath(next || asked.get("next"), location.origin, HOME));
}

if (!byProxy && !asked.has("state") && !asked.has("error")) {
  // Loaded anew: what it was given is used up.
  location.replace(at("login"));
} else {
  signIn().catch((error) => fail(error instanceof Error ? error.message : String(error)));
}
