// @ts-check
/**
 * The session's key. Browsers send the session's cookie to every port of this host, so other programs here may know it; the
 * key stays in this origin's storage, which other ports' pages cannot read, and goes only where request headers are set here.
 */

import { HOME } from "./site.js";

/** Of each portal its own, where several are in folders of one site. */
const NAME = `libvirt-webrtc.session-key${HOME === "/" ? "" : `:${HOME}`}`;

/** A link whose page is closed when it ends leaves its key here: so many stay, those of the links opened last. */
const LINKS_MAX = 64;

/** @param {string} link a share link's ID, which the address of a page tells that a link opened */
const nameOf = (link) => (link ? `${NAME}.link.${link}` : NAME);

/** @returns {string} the ID of the share link that this page belongs to; empty: it is the user's own */
export function linkOfPage() {
  return new URLSearchParams(globalThis.location?.search).get("link") ?? "";
}

/**
 * @param {string} key as signing in gave it, or opening a link
 * @param {string} [link] the link's ID: its session is one beside the user's own
 */
export function keepSessionKey(key, link = "") {
  if (!link) localStorage.setItem(NAME, key);
  else {
    localStorage.setItem(nameOf(link), `${key} ${Date.now()}`);
    forgetOldLinks();
  }
}

function forgetOldLinks() {
  const openedAt = (/** @type {string} */ name) => Number(localStorage.getItem(name)?.split(" ")[1] ?? 0);
  const all = Array.from({ length: localStorage.length }, (_, i) => localStorage.key(i) ?? "");
  const names = all.filter((name) => name.startsWith(`${NAME}.link.`));
  names.sort((a, b) => openedAt(b) - openedAt(a));
  for (const name of names.slice(LINKS_MAX)) localStorage.removeItem(name);
}

/**
 * After signing out, or the end of a link.
 * @param {string} [link]
 */
export function forgetSessionKey(link = "") {
  localStorage.removeItem(nameOf(link));
}

/** @returns {string} the key that this page's requests need; empty: there is none */
function keyOfPage() {
  // Node, which tests these modules, has no storage of this kind.
  return globalThis.localStorage?.getItem(nameOf(linkOfPage()))?.split(" ")[0] ?? "";
}

/** @returns {string[]} the subprotocols that a stream's WebSocket offers: a page can set no header of its request but that */
export function streamProtocols() {
  const key = keyOfPage();
  return key ? ["libvirt-webrtc.stream", `libvirt-webrtc.key.${key}`] : ["libvirt-webrtc.stream"];
}

/**
 * @param {string} url of a request
 * @returns {Record<string, string>} the header that it needs besides the cookie; none for another origin or folder, or before signing in
 */
export function sessionHeaders(url) {
  const key = keyOfPage();
  if (!key) return {};
  const { origin, pathname } = new URL(url, document.baseURI);
  return origin === location.origin && pathname.startsWith(HOME) ? { "Session-Key": key } : {};
}
