// @ts-check
/** Whether WebRTC got through when this browser last tried, so that a page need not wait for it each time. */

const NAME = "libvirt-webrtc.webrtc-failed";
/** After that it is tried first again: the browser may be elsewhere by now. */
const REMEMBERED_MS = 3_600_000;

/** @param {boolean} works */
export function rememberWebRTC(works) {
  if (works) localStorage.removeItem(NAME);
  else localStorage.setItem(NAME, String(Date.now()));
}

/** @returns {boolean} it has failed a short time ago, and has not worked since */
export function webRTCHasFailed() {
  const age = Date.now() - Number(localStorage.getItem(NAME) ?? Number.NaN);
  return age >= 0 && age < REMEMBERED_MS;
}
