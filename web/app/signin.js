// @ts-check
/** Signing in: the request, where to go afterwards, and what a refusal means. */

import { LIMIT_MS, kindOf, messageOf, request } from "../core/request.js";
import { keepSessionKey } from "../core/session-key.js";
import { at } from "../core/site.js";
import { sentence } from "./words.js";

/** What signing in by password may take: the host's PAM modules may ask a directory somewhere. More than the portal takes at most. */
const PASSWORD_LIMIT_MS = 50_000;

/**
 * Where to go after signing in.
 * @param {string | null} wanted as the address says, below `home`; written by anybody
 * @param {string} origin this page's
 * @param {string} home the portal's path there, with a slash at its end
 * @returns {string} a path of this origin; the list where `wanted` is none of the portal's
 */
export function nextPath(wanted, origin, home) {
  let url;
  try {
    url = new URL(wanted ?? "", origin + home);
  } catch {
    return home;
  }
  const { pathname, search, hash } = url;
  // A double slash in front would be read as "//host".
  const ours = url.origin === origin && pathname.startsWith(home) && !pathname.startsWith("//");
  return ours && pathname !== `${home}login` ? `${pathname}${search}${hash}` : home;
}

/**
 * @typedef {object} Refusal why somebody is not signed in
 * @property {string} kind the server's word for it, as docs/protocol.md has them; empty where there is none
 * @property {string} text for people
 */

/**
 * @param {number} status of the answer to the sign-in
 * @param {string} kind the server's word for the error
 * @param {string} message the server's
 * @returns {string} why it was refused, for people
 */
export function refusalWords(status, kind, message) {
  if (kind === "code_needed") return ""; // the field that appears says it
  if (kind === "wrong_token") return "That token is not right.";
  if (kind === "wrong_password") return "That user name and password are not right.";
  return sentence(message) || `The server answered with status ${status}.`;
}

/**
 * Sign in, and keep the session's key.
 * @param {Record<string, string>} body what proves who it is
 * @returns {Promise<Refusal | null>} null: signed in
 */
export async function signInWith(body) {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    const reply = await request(at("api/session"), init, "password" in body ? PASSWORD_LIMIT_MS : LIMIT_MS);
    if (reply.ok) {
      keepSessionKey(JSON.parse(reply.text).key);
      return null;
    }
    const kind = kindOf(reply);
    return { kind, text: refusalWords(reply.status, kind, messageOf(reply)) };
  } catch (error) {
    return { kind: "", text: error instanceof Error ? error.message : String(error) };
  }
}
