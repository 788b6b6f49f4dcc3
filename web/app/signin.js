// @ts-check
/** Signing in: the request, where to go afterwards, and what a refusal means. */

import { LIMIT_MS, kindOf, messageOf, request } from "../core/request.js";
import { keepSessionKey } from "../core/session-key.js";
import { sentence } from "./words.js";

/** What signing in by password may take: the host's PAM modules may ask a directory somewhere, and are given 30 s. */
const PASSWORD_LIMIT_MS = 40_000;

/**
 * Where to go after signing in.
 * @param {string | null} wanted as the address says; written by anybody
 * @param {string} origin this page's
 * @returns {string} a path of this origin; the list where `wanted` is none
 */
export function nextPath(wanted, origin) {
  if (!wanted?.startsWith("/")) return "/";
  let url;
  try {
    url = new URL(wanted, origin);
  } catch {
    return "/";
  }
  if (url.origin !== origin || url.pathname === "/login") return "/";
  // With a single slash in front, so that the result cannot be read as "//host".
  return `/${url.pathname.replace(/^\/+/, "")}${url.search}${url.hash}`;
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
    const reply = await request("/api/session", init, "password" in body ? PASSWORD_LIMIT_MS : LIMIT_MS);
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
