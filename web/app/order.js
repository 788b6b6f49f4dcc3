// @ts-check
/** Which domains the list shows, and in which order. Pure. */

import { isAttaching } from "./words.js";

/** @typedef {import("../core/domains.js").Domain} Domain */

/** @type {Record<string, number>} what people look for comes first */
const RANK = { running: 0, paused: 1, shutdown: 1, pmsuspended: 2, crashed: 2, shutoff: 3 };

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/**
 * @param {readonly Domain[]} domains
 * @param {string} filter part of a name, in any case
 * @returns {Domain[]}
 */
export function inOrder(domains, filter) {
  const part = filter.trim().toLowerCase();
  const rank = (/** @type {Domain} */ domain) => (isAttaching(domain) ? 0 : (RANK[domain.state] ?? 3));
  return domains
    .filter(({ name }) => name.toLowerCase().includes(part))
    .sort((a, b) => rank(a) - rank(b) || byName.compare(a.name, b.name) || (a.uuid < b.uuid ? -1 : 1));
}
