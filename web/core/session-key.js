// @ts-check
/**
 * The session's key. Browsers send the session's cookie to every port of this host, so other programs here may know it; the
 * key stays in this origin's storage, which other ports' pages cannot read, and goes only where request headers are set here.
 */

const NAME = "libvirt-webrtc.session-key";

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
 * @returns {Record<string, string>} the header that it needs besides the cookie; none for another origin, or before signing in
 */
export function sessionHeaders(url) {
  // Node, which tests these modules, has no storage of this kind.
  const key = globalThis.localStorage?.getItem(NAME);
  if (!key || new URL(url, document.baseURI).origin !== location.origin) return {};
  return { "Session-Key": key };
}
