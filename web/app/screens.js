// @ts-check
/**
 * How many screens each domain has, kept in the browser: an offer must say how many it wants to see, and each one more
 * makes every connection a little slower, so it asks for those that there are.
 */

const SCREENS_KEY = "libvirt-webrtc.screens";
/** What a server takes. */
const SCREENS_MAX = 4;

/** @returns {Record<string, number>} by UUID; of domains that are not in it nothing is known, or they have one */
function known() {
  try {
    const kept = JSON.parse(localStorage.getItem(SCREENS_KEY) ?? "{}");
    return kept && typeof kept === "object" ? kept : {};
  } catch {
    return {};
  }
}

/** @param {string} uuid @returns {number} how many to offer */
export function screensOf(uuid) {
  return Math.min(SCREENS_MAX, Math.max(1, Math.trunc(Number(known()[uuid]) || 1)));
}

/** @param {string} uuid @param {number} count none: not known now, as of a domain that does not run */
export function keepScreens(uuid, count) {
  const kept = known();
  if (count === 0 || (kept[uuid] ?? 1) === count) return;
  if (count === 1) delete kept[uuid];
  else kept[uuid] = count;
  localStorage.setItem(SCREENS_KEY, JSON.stringify(kept));
}
