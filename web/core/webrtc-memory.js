// @ts-check
/** What is known of the ways to a console before one is tried, so that a page need not wait for one that leads nowhere. */

const NAME = "libvirt-webrtc.webrtc-failed";
/** After that it is tried first again: the browser may be elsewhere by now. */
const REMEMBERED_MS = 3_600_000;

/** @param {boolean} works WebRTC got through, or did not */
export function rememberWebRTC(works) {
  if (works) localStorage.removeItem(NAME);
  else localStorage.setItem(NAME, String(Date.now()));
}

/** @returns {boolean} WebRTC has failed a short time ago, and has not worked since */
export function webRTCHasFailed() {
  const age = Date.now() - Number(localStorage.getItem(NAME) ?? Number.NaN);
  return age >= 0 && age < REMEMBERED_MS;
}

/** @returns {string} why no picture can be decoded here, in a sentence; empty: it can, as far as that is known */
export function whyNoWebCodecs() {
  if ("VideoDecoder" in globalThis) return "";
  return globalThis.isSecureContext
    ? "This browser has no WebCodecs, which show the picture where WebRTC does not get through. A newer one has."
    : "Browsers decode pictures outside of WebRTC (by WebCodecs) only on pages from https:// or from localhost.";
}
