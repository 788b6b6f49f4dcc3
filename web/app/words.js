// @ts-check
/** States in plain words, the same on every page. Pure. */

/** @typedef {import("../core/domains.js").Domain} Domain */

/** @type {Record<string, string>} */
const STATES = {
  running: "Running",
  paused: "Paused",
  shutdown: "Shutting down",
  shutoff: "Shut off",
  crashed: "Crashed",
  pmsuspended: "Suspended",
  unknown: "Not known",
};

/** @param {Domain} domain */
export function stateWords(domain) {
  // libvirt reports it as paused, then as shut off, meanwhile.
  if (isAttaching(domain)) return "Being given its console";
  return STATES[domain.state] ?? domain.state;
}

/** @param {Domain} domain */
export function isAttaching(domain) {
  return domain.console.state === "attaching";
}

/** @param {Domain} domain whether its guest runs, or could at any moment */
export function isAlive(domain) {
  const { state } = domain;
  return isAttaching(domain) || state === "running" || state === "paused" || state === "shutdown";
}

/**
 * @param {string | null} reason as the server gives it
 * @returns {string} as a sentence; empty where there is none
 */
export function sentence(reason) {
  const text = (reason ?? "").trim();
  if (!text) return "";
  return text[0].toUpperCase() + text.slice(1) + (/[.!?)]$/.test(text) ? "" : ".");
}

/**
 * @param {Domain} domain
 * @returns {string} why its console cannot be opened now; empty when it can
 */
export function whyNot(domain) {
  switch (domain.console.state) {
    case "ready":
      return "";
    case "starting":
      return "The console is starting.";
    case "failed":
      return `${sentence(domain.console.reason) || "The console failed."} It is tried again.`;
    default:
      if (!isAlive(domain)) return "";
      return sentence(domain.console.reason) || "This domain has no console.";
  }
}
