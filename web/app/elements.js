// @ts-check

import { at, HOME } from "../core/site.js";

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

/** Go and sign in, then come back to this page. */
export function signIn() {
  const here = location.pathname.slice(HOME.length) + location.search;
  location.replace(`${at("login")}?next=${encodeURIComponent(here)}`);
}
