// @ts-check
/** Which ways of signing in the portal offers. */

import { messageOf, request } from "../core/request.js";
import { at } from "../core/site.js";
import { sentence } from "./words.js";

/**
 * @typedef {object} SignInMethod one way of signing in
 * @property {string} method `token`, `pam`, or another that begins at a link
 * @property {string} text what the page says of it; of a link, what is on its button
 * @property {string} href of a link; empty for a form of this page
 */

/**
 * @returns {Promise<{methods: SignInMethod[], problem: string}>} `problem`, for people, is empty where the portal answered
 */
export async function methodsOf() {
  try {
    const reply = await request(at("api/sign-in"));
    if (!reply.ok) throw new Error(sentence(messageOf(reply)) || `The server answered with status ${reply.status}.`);
    /** @type {Partial<SignInMethod>[]} */
    const given = JSON.parse(reply.text).methods;
    const methods = given.map(({ method = "", text = "", href = "" }) => ({ method, text, href }));
    return { methods, problem: "" };
  } catch (error) {
    return { methods: [], problem: error instanceof Error ? error.message : String(error) };
  }
}
