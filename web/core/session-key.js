// @ts-check
/**
 * The session's key. Browsers send the session's cookie to every port of this host, so other programs here may know it; the
 * key stays in this origin's storage, which other ports' pages cannot read, and goes only where request headers are set here.
 */

import { HOME } from "./site.js";

/** Of each portal its own, where several are in folders of one site. */
const NAME = `libvirt-webrtc.session-key${HOME === "/" ? "" : `:${HOME}`}`;

/** Of whom the key is; only for a session that a share link opened. */
const SHARED = `${NAME}.shared`;

/**
 * @param {string} key as signing in gave it
 * @param {{shared?: boolean}} [of] shared: a link opened the session, which cannot sign in again by itself
 */
export function keepSessionKey(key, { shared = false } = {}) {
  localStorage.setItem(NAME, key);
  if (shared) localStorage.setItem(SHARED, "yes");
  else localStorage.removeItem(SHARED);
}

/** @returns {boolean} whether this browser's session is, or was, that of a share link */
export function isShared() {
  return localStorage.getItem(SHARED) !== null;
}

/** @returns {boolean} whether somebody signed in here, and not by a link; the session may be over */
export function isSignedIn() {
  return localStorage.getItem(NAME) !== null && !isShared();
}

/** After signing out. */
export function forgetSessionKey() {
  localStorage.removeItem(NAME);
  localStorage.removeItem(SHARED);
}

/** @returns {string[]} the subprotocols that a stream's WebSocket offers: a page can set no header of its request but that */
export function streamProtocols() {
  const key = globalThis.localStorage?.getItem(NAME);
  return key ? ["libvirt-webrtc.stream", `libvirt-webrtc.key.${key}`] : ["libvirt-webrtc.stream"];
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
