// @ts-check
/** The HTTP side of a console: the ICE configuration, and WHEP's offer, answer and end. */

import { kindOf, messageOf, request, Unreachable } from "./request.js";

/** For the answer to an offer: longer than the portal takes, which libvirt_webrtc/agent/limits.py says. */
const OFFER_TIMEOUT_MS = 18_000;
/** Longest `Retry-After` that is followed. */
const RETRY_AFTER_MAX_MS = 5000;

/**
 * @typedef {"signed-out" | "refused" | "unreachable"} FailureKind
 * refused: the server answered with an error; unreachable: there was no answer, or not the portal's.
 */

/** A request that did not succeed; `message` is fit for people. */
export class SignallingError extends Error {
  /**
   * @param {FailureKind} kind
   * @param {string} text
   * @param {number} [retryAfterMs] how long the server asks to wait, at most `RETRY_AFTER_MAX_MS`
   * @param {string} [code] the answer's `error`, for programs; empty: it had none
   */
  constructor(kind, text, retryAfterMs = 0, code = "") {
    super(text);
    this.kind = kind;
    this.code = code;
    this.retryAfterMs = Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
  }
}

/** @typedef {{iceServers: RTCIceServer[], iceTransportPolicy: RTCIceTransportPolicy, problem: string | null}} WebRTCConfig */
/** @typedef {import("./request.js").Reply} Reply */

/**
 * @param {Reply} reply
 * @returns {SignallingError}
 */
function refusal(reply) {
  if (reply.status === 401) return new SignallingError("signed-out", "You are not signed in any more.");
  const retryAfterMs = (Number(reply.headers.get("Retry-After")) || 0) * 1000;
  const text = messageOf(reply) || `The server answered with status ${reply.status}.`;
  return new SignallingError("refused", text, retryAfterMs, kindOf(reply));
}

/**
 * @param {string} url
 * @param {RequestInit & {headers?: Record<string, string>}} init
 * @param {number} [limitMs]
 * @returns {Promise<Reply>} of a successful status
 * @throws {SignallingError}
 */
async function succeed(url, init, limitMs) {
  let reply;
  try {
    reply = await request(url, init, limitMs);
  } catch (error) {
    throw error instanceof Unreachable ? new SignallingError("unreachable", error.message) : error;
  }
  if (!reply.ok) throw refusal(reply);
  return reply;
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<WebRTCConfig>}
 * @throws {SignallingError}
 */
export async function fetchConfig(url, signal) {
  const { text } = await succeed(url, { signal });
  let config;
  try {
    config = JSON.parse(text);
  } catch {
    throw new SignallingError("unreachable", "Something that is not the portal answered.");
  }
  return {
    iceServers: config.iceServers ?? [],
    iceTransportPolicy: config.iceTransportPolicy === "relay" ? "relay" : "all",
    problem: config.problem ?? null,
  };
}

/**
 * POST an offer.
 * @param {string} url the console's WHEP address
 * @param {string} offer SDP with all candidates
 * @param {AbortSignal} signal
 * @returns {Promise<{answer: string, location: string | null}>} the SDP, and where to DELETE
 * @throws {SignallingError}
 */
export async function postOffer(url, offer, signal) {
  const headers = { "Content-Type": "application/sdp" };
  const reply = await succeed(url, { method: "POST", headers, body: offer, signal }, OFFER_TIMEOUT_MS);
  const location = reply.headers.get("Location");
  return { answer: reply.text, location: location && new URL(location, reply.url || document.baseURI).href };
}

/**
 * Why a stream was refused, which the browser does not tell of a WebSocket: what else is asked about the console is refused
 * for the same reason.
 * @param {string} console the console's address
 * @param {AbortSignal} signal
 * @returns {Promise<Error>}
 */
export async function whyRefused(console, signal) {
  try {
    await succeed(`${console}/stats`, { signal });
  } catch (error) {
    return /** @type {Error} */ (error);
  }
  return new Error("The server did not open a WebSocket: it has too many, or something between here and there takes none.");
}

/**
 * End a viewer. The request is sent even while the page is being closed. A failure does not matter: the server notices a
 * silent viewer by itself.
 * @param {string} location
 */
export function deleteViewer(location) {
  request(location, { method: "DELETE", keepalive: true }).catch(() => undefined);
}
