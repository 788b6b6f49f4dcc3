// @ts-check
/**
 * How many graphic consoles each domain had when it was last seen, kept in the browser. An offer must say how many it can
 * show, and each one more makes the connection a little slower, so it asks for as many as there were.
 */

const COUNTS_KEY = "libvirt-webrtc.screens";
/** Video sections that a server takes in one offer. */
const COUNT_MAX = 4;

/** @returns {Record<string, number>} by UUID, of the domains that have more than one */
function known() {
  try {
    const kept = JSON.parse(localStorage.getItem(COUNTS_KEY) ?? "{}");
    return kept && typeof kept === "object" ? kept : {};
  } catch {
    return {};
  }
}

/** @param {string} uuid @returns {number} how many to offer */
export function consoleCount(uuid) {
  return Math.min(COUNT_MAX, Math.max(1, Math.trunc(Number(known()[uuid]) || 1)));
}

/** @param {string} uuid @param {number} count 0 tells nothing: the domain does not run now */
export function keepConsoleCount(uuid, count) {
  const kept = known();
  if (count === 0 || (kept[uuid] ?? 1) === count) return;
  if (count === 1) delete kept[uuid];
  else kept[uuid] = count;
  localStorage.setItem(COUNTS_KEY, JSON.stringify(kept));
}
