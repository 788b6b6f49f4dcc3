// @ts-check
/** Signing in: where to go afterwards, and what a refusal means. Pure. */

import { sentence } from "./words.js";

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
 * @param {number} status of the answer to the token
 * @param {string} message the server's
 * @returns {string} why the token was refused, for people; empty: it was not
 */
export function refusalWords(status, message) {
  if (status >= 200 && status < 300) return "";
  if (status === 401) return "That token is not right.";
  return sentence(message) || `The server answered with status ${status}.`;
}
