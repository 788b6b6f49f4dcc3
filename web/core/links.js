// @ts-check
/** The share links of one domain: made, listed and revoked over the API. */

import { messageOf, request } from "./request.js";
import { at } from "./site.js";

/**
 * @typedef {object} ShareLink
 * @property {string} id
 * @property {"view" | "control"} role
 * @property {boolean} once it opens one session only
 * @property {number} seconds_left until it ends
 * @property {boolean} opened somebody has opened it
 * @property {string} owner who made it
 */
/** @typedef {{links: ShareLink[], roles: ("view" | "control")[], longest_s: number}} ShareLinks */

/** A request that did not succeed; `message` is fit for people. */
export class LinksError extends Error {
  /**
   * @param {string} text
   * @param {boolean} signedOut
   */
  constructor(text, signedOut) {
    super(text);
    this.signedOut = signedOut;
  }
}

/** @param {string} uuid */
function addressOf(uuid) {
  return at(`api/domains/${encodeURIComponent(uuid)}/links`);
}

/**
 * @param {string} url
 * @param {RequestInit & {headers?: Record<string, string>}} [init]
 * @returns {Promise<string>} the body
 * @throws {LinksError | import("./request.js").Unreachable}
 */
async function ask(url, init) {
  const reply = await request(url, init);
  if (reply.ok) return reply.text;
  throw new LinksError(messageOf(reply) || `The server answered with status ${reply.status}.`, reply.status === 401);
}

/**
 * @param {string} uuid
 * @returns {Promise<ShareLinks>} those that this user may see, and what may be made
 */
export async function fetchLinks(uuid) {
  return JSON.parse(await ask(addressOf(uuid)));
}

/**
 * @param {string} uuid
 * @param {{role: string, seconds: number, once: boolean}} wanted
 * @returns {Promise<string>} the link's address. The server does not know its secret any more
 */
export async function makeLink(uuid, wanted) {
  const headers = { "Content-Type": "application/json" };
  const { secret } = JSON.parse(await ask(addressOf(uuid), { method: "POST", headers, body: JSON.stringify(wanted) }));
  // In the fragment, which browsers send to no server.
  return new URL(`${at("share")}#${secret}`, location.href).href;
}

/** @param {string} uuid @param {string} id */
export async function revokeLink(uuid, id) {
  await ask(`${addressOf(uuid)}/${encodeURIComponent(id)}`, { method: "DELETE" });
}
