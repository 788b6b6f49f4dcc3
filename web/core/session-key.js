// @ts-check
/**
 * The session's key. Browsers send the session's cookie to every port of this host, so other programs here may know it; the
 * key stays in this origin's storage, which other ports' pages cannot read, and goes only where request headers are set here.
 */

import { HOME } from "./site.js";

/** Of each portal its own, where several are in folders of one site. */
const NAME = `libvirt-webrtc.session-key${HOME === "/" ? "" : `:${HOME}`}`;

/** @param {string} key as signing in gave it */
export function keepSessionKey(key) {
  localStorage.setItem(NAME, key);
}

/** After signing out. */
export function forgetSessionKey() {
  localStorage.removeItem(NAME);
}

/**
 * @param {string} url of a request
 * @returns {Record<string, string>} the header that it needs besides the cookie; none for another origin or folder, or before signing in
 */
export function sessionHeaders(url) {
  // Node, which tests these modules, has no storage of this kind.
  const key = globalThis.localStorage?.getItem(NAME);
  if (!key) return {};
  const { origin, pathname } = new URL(url, document.baseURI);
  return origin === location.origin && pathname.startsWith(HOME) ? { "Session-Key": key } : {};
}
