// @ts-check

import { Backoff, pause } from "../core/backoff.js";
import { request } from "../core/request.js";
import { at, HOME } from "../core/site.js";

/** The longest wait between two looks whether the portal answers. */
const LONGEST_WAIT_MS = 1000;
let leaving = false;

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T} the page's element of that id
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

/**
 * Go and sign in, then come back to this page. Leaves once the portal answers: while it is started again the browser would
 * show an error page of its own in place of this one, and stay on it. And leaves once: another reply that says the same
 * would end the first navigation on its way.
 */
export function signIn() {
  if (leaving) return;
  leaving = true;
  void leave();
}

async function leave() {
  const login = at("login");
  const backoff = new Backoff(LONGEST_WAIT_MS);
  while (!(await serves(login))) await pause(backoff.next());
  const here = location.pathname.slice(HOME.length) + location.search;
  location.replace(`${login}?next=${encodeURIComponent(here)}`);
}

/** @param {string} page */
async function serves(page) {
  // Not followed: a proxy may lead to another site, which only the browser itself can open.
  const reply = await request(page, { method: "HEAD", redirect: "manual" }).catch(() => null);
  // A proxy in front of the portal answers for it with such a status.
  return reply !== null && reply.status < 500;
}
