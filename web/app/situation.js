// @ts-check
/** What the console page has to say, from everything it knows. Pure. */

import { isAlive, isAttaching, nameOf, onDomain, sentence, stateWords, whyNot } from "./words.js";

/** @typedef {import("../core/domains.js").Domain} Domain */
/** @typedef {import("../core/domains.js").DomainList} DomainList */
/** @typedef {import("../core/session.js").SessionState} SessionState */

/**
 * @typedef {object} Facts
 * @property {SessionState} session
 * @property {string} message the session's
 * @property {DomainList | null} list null before it came
 * @property {Domain | null} domain this page's, in that list
 * @property {number} index the console that the page's address asks for
 * @property {boolean} showing the present connection has shown a frame
 * @property {boolean} enabled the guest shows something
 * @property {boolean} paused
 * @property {boolean} viewOnly the viewer may look and no more
 * @property {string} problem why the guest’s picture cannot be shown; empty: it can
 * @property {boolean} shared a share link opened this page
 */
/**
 * @typedef {object} Situation
 * @property {"connecting" | "connected" | "reconnecting" | "stopped" | "problem" | "signed-out"} state
 * @property {"good" | "busy" | "bad" | "off"} tone
 * @property {string} status a word or two
 * @property {string} title of the notice over the picture; empty: no notice
 * @property {string} text
 * @property {boolean} busy something goes on by itself
 * @property {boolean} retry trying at once makes sense
 * @property {boolean} back there is nothing more to do on this page
 */

/** @type {Situation} */
const NOTHING = {
  state: "connecting",
  tone: "busy",
  status: "Connecting",
  title: "",
  text: "",
  busy: false,
  retry: false,
  back: false,
};

/**
 * @param {Domain | null} domain
 * @param {number} index
 * @returns {boolean} whether the domain's consoles are known, and this one is not among them
 */
export function lacks(domain, index) {
  return domain?.console.state === "ready" && !domain.consoles.some((one) => one.index === index);
}

/**
 * @param {DomainList | null} list
 * @param {Domain | null} domain
 * @param {number} index the console
 * @returns {boolean | null} whether the console can be opened; null where nobody knows
 */
export function canOpen(list, domain, index) {
  if (!list) return null;
  const can = domain?.console.state === "ready" && !lacks(domain, index);
  // The list may be out of date then; an open console does not need libvirt.
  return can || (list.libvirt.connected ? false : null);
}

/**
 * @param {Facts} facts
 * @returns {Situation}
 */
export function situation(facts) {
  switch (facts.session) {
    case "signed-out":
      return signedOut(facts);
    case "problem":
      return {
        ...NOTHING,
        state: "problem",
        tone: "bad",
        status: "Not configured",
        title: "The server’s WebRTC configuration needs attention",
        text: sentence(facts.message),
        retry: true,
        back: true,
      };
    case "connected":
      return connected(facts);
    case "connecting":
      // After a failure the notice stays the same until it succeeds, instead of alternating between two.
      return facts.message ? reconnecting(facts) : { ...NOTHING, title: "Connecting…", busy: true };
    case "waiting":
      return reconnecting(facts);
    default:
      return stopped(facts);
  }
}

/** @param {Facts} facts @returns {Situation} */
function signedOut({ shared }) {
  /** @type {Situation} */
  const base = { ...NOTHING, state: "signed-out", tone: "bad", status: "Signed out", title: "You are signed out" };
  if (!shared) return base;
  const text = "Its time is over, or it was revoked. Ask whoever sent it to you for another one.";
  return { ...base, status: "Ended", title: "The link to this console has ended", text };
}

/** @param {Facts} facts @returns {Situation} */
function reconnecting({ message }) {
  const [status, title] = ["Reconnecting", "Reconnecting…"];
  return { ...NOTHING, state: "reconnecting", status, title, text: sentence(message), busy: true, retry: true };
}

/** @param {Facts} facts @returns {Situation} */
function connected({ domain, showing, enabled, paused, viewOnly, problem }) {
  /** @type {Situation} */
  const base = { ...NOTHING, state: "connected", tone: "good", status: paused ? "Paused" : "Connected" };
  if (paused) base.tone = "busy";
  if (problem) return { ...base, tone: "bad", title: "The guest’s picture cannot be shown", text: sentence(problem) };
  if (domain?.state === "pmsuspended") return { ...base, ...suspended(domain, viewOnly) };
  if (domain?.state === "crashed") return { ...base, ...crashed(domain) };
  if (!enabled) return { ...base, title: "The guest’s display is off", text: viewOnly ? "" : "A key or the mouse may wake it." };
  if (!showing) return { ...base, title: "Waiting for the picture…", busy: true };
  return base;
}

/** @param {Domain} domain @param {boolean} viewOnly */
function suspended(domain, viewOnly) {
  const command = `on its host: ${onDomain("virsh dompmwakeup", domain)}`;
  const text = viewOnly ? sentence(command) : `A key or the mouse may wake it. If not, ${command}`;
  return { tone: /** @type {const} */ ("busy"), status: stateWords(domain), title: `${nameOf(domain)} is suspended`, text };
}

/** @param {Domain} domain */
function crashed(domain) {
  const text = `Its picture is the last one. To begin anew, on its host: ${onDomain("virsh reset", domain)}`;
  return { tone: /** @type {const} */ ("bad"), status: stateWords(domain), title: `${nameOf(domain)} has crashed`, text, back: true };
}

/** @param {Facts} facts @returns {Situation} */
function stopped({ domain, index }) {
  /** @type {Situation} */
  const base = { ...NOTHING, state: "stopped", tone: "off" };
  if (!domain) {
    const text = "It was removed, you have no access to it, or the address is wrong. If it comes back, so does this console.";
    return { ...base, status: "Gone", title: "There is no such domain", text, back: true };
  }
  const status = stateWords(domain);
  if (!isAlive(domain)) {
    const title = domain.state === "crashed" ? `${nameOf(domain)} has crashed` : `${nameOf(domain)} is ${status.toLowerCase()}`;
    return { ...base, status, title, text: "The console comes back by itself when it runs again.", back: true };
  }
  if (isAttaching(domain)) {
    const title = `${nameOf(domain)} is being given its console…`;
    return { ...base, tone: "busy", status: "Saving", title, text: whyNot(domain), busy: true };
  }
  if (domain.console.state === "none") {
    return { ...base, status: "No console", title: `${nameOf(domain)} has no console now`, text: whyNot(domain), back: true };
  }
  if (lacks(domain, index)) {
    const text = `The address asks for its console ${index}. If it comes, so does its picture.`;
    return { ...base, status: "No screen", title: `${nameOf(domain)} has no such screen now`, text, back: true };
  }
  const failed = domain.console.state === "failed";
  return {
    ...base,
    tone: failed ? "bad" : "busy",
    status: failed ? "Console failed" : "Starting",
    title: failed ? "The console failed" : "The console is starting…",
    text: failed ? whyNot(domain) : "",
    busy: true,
    back: failed,
  };
}
