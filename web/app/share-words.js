// @ts-check
/** Share links in words. Pure. */

/** How long a link may be made for; an hour is what is offered first. */
export const TIMES = [
  { seconds: 900, words: "15 minutes" },
  { seconds: 3600, words: "1 hour" },
  { seconds: 8 * 3600, words: "8 hours" },
  { seconds: 24 * 3600, words: "1 day" },
  { seconds: 7 * 24 * 3600, words: "7 days" },
];

/** @param {string} role */
export function roleWords(role) {
  return role === "view" ? "See only" : "See and use";
}

/** @param {number} seconds */
function durationWords(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/**
 * @param {import("../core/links.js").ShareLink} link
 * @returns {string} how long it lives, and whether it was opened
 */
export function lifeWords({ once, opened, seconds_left }) {
  const left = `${durationWords(seconds_left)} left`;
  if (once) return `${left}, ${opened ? "used" : "for one use"}`;
  return `${left}, ${opened ? "opened" : "not opened yet"}`;
}
