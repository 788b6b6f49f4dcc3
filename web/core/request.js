// @ts-check
/** HTTP requests with a time limit that covers the whole answer, body included. */

import { sessionHeaders } from "./session-key.js";

/** What a request may take. The portal's own limits are shorter, so that its answer says what was slow. */
export const LIMIT_MS = 10_000;

/** There was no answer: the server is away, or it took too long. `message` is fit for people. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached. Is it running?");
  }
}

/**
 * @typedef {object} Reply an answer of any status, with its whole body
 * @property {boolean} ok the status is a success
 * @property {number} status
 * @property {Headers} headers
 * @property {string} text the body
 * @property {string} url where it came from; may be empty
 */

/**
 * fetch() with a time limit and the session's key, and read the whole body.
 * @param {string} url
 * @param {RequestInit & {headers?: Record<string, string>}} [init] its `signal` ends the request early
 * @param {number} [limitMs]
 * @returns {Promise<Reply>}
 * @throws {Unreachable} there was no answer within the limit
 * @throws {unknown} the reason of `init.signal`, where that was aborted
 */
export async function request(url, init = {}, limitMs = LIMIT_MS) {
  init.signal?.throwIfAborted();
  const attempt = new AbortController();
  const end = () => attempt.abort();
  const timer = setTimeout(end, limitMs);
  init.signal?.addEventListener("abort", end);
  try {
    const all = { ...sessionHeaders(url), ...init.headers };
    const response = await fetch(url, { cache: "no-store", ...init, headers: all, signal: attempt.signal });
    const { ok, status, headers, url: from } = response;
    return { ok, status, headers, text: await response.text(), url: from };
  } catch {
    init.signal?.throwIfAborted();
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
    init.signal?.removeEventListener("abort", end);
  }
}

/**
 * @param {Reply} reply of an error, as docs/protocol.md has it
 * @returns {string} its message; empty where it has none, as from something between here and the portal
 */
export function messageOf(reply) {
  return fieldOf(reply, "message");
}

/**
 * @param {Reply} reply of an error
 * @returns {string} its word for the error, for programs; empty where it has none
 */
export function kindOf(reply) {
  return fieldOf(reply, "error");
}

/**
 * @param {Reply} reply
 * @param {string} name
 */
function fieldOf({ text }, name) {
  try {
    const value = JSON.parse(text)?.[name];
    return typeof value === "string" ? value : "";
  } catch {
    return "";
  }
}
