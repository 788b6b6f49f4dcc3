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

/** What cannot be seen: controls, and marks that turn the direction; not the joiners that some languages spell with. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * @param {string} name
 * @returns {string} with what cannot be seen in it as `\u202e`
 */
export function visible(name) {
  return name.replace(UNSEEN, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/**
 * @param {Domain} domain
 * @returns {string} its name for a sentence, whose direction it does not change
 */
export function nameOf({ name }) {
  return /^[ -~]*$/.test(name) ? name : `\u2068${visible(name)}\u2069`;
}

/**
 * @param {string} command
 * @param {Domain} domain
 * @returns {string} the command with the domain's name as its last argument, quoted for a shell
 */
export function onDomain(command, { name }) {
  const word = /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", `'"'"'`)}'`;
  return `${command} ${name.startsWith("-") ? "-- " : ""}${word}`;
}

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

/**
 * @param {import("../core/protocol.js").Size | null} size of the guest's picture
 * @param {number} factor how many of its pixels in a row became one in the video
 * @returns {string} a sentence; empty where there is nothing to say
 */
export function reducedWords(size, factor) {
  if (factor < 2 || !size) return "";
  const part = factor === 2 ? "half" : "a quarter of";
  return `This screen’s ${size.width} × ${size.height} pixels are more than this browser shows as video: you see ${part} the width and height.`;
}
