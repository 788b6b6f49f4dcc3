// @ts-check
/** The HTTP side of a console: the ICE configuration, and WHEP's offer, answer and end. */

const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than the server takes to answer, or to say why it cannot: libvirt_webrtc/agent/limits.py has the table. */
const OFFER_TIMEOUT_MS = 18_000;

/**
 * @typedef {"signed-out" | "refused" | "unreachable"} FailureKind
 * refused: the server answered and said no; unreachable: no (sensible) answer at all.
 */

/** A request that did not succeed; `message` is fit for people. */
export class SignallingError extends Error {
  /**
   * @param {FailureKind} kind
   * @param {string} text
   * @param {number} [retryAfterMs] how long the server asks to wait
   */
  constructor(kind, text, retryAfterMs = 0) {
    super(text);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/** @typedef {{iceServers: RTCIceServer[], iceTransportPolicy: RTCIceTransportPolicy, problem: string | null}} WebRTCConfig */

/**
 * @param {Response} response
 * @returns {Promise<SignallingError>}
 */
async function refusal(response) {
  if (response.status === 401) return new SignallingError("signed-out", "You are not signed in any more.");
  const retryAfterMs = (Number(response.headers.get("Retry-After")) || 0) * 1000;
  const fallback = `The server answered with status ${response.status}.`;
  const body = await response.json().catch(() => null);
  const text = typeof body?.message === "string" && body.message ? body.message : fallback;
  return new SignallingError("refused", text, retryAfterMs);
}

/**
 * fetch() with a time limit, and with failures as SignallingError.
 * @param {string} url
 * @param {RequestInit & {signal: AbortSignal}} init
 * @param {number} [timeoutMs]
 * @returns {Promise<Response>} of a successful status
 */
async function request(url, init, timeoutMs = REQUEST_TIMEOUT_MS) {
  let response;
  try {
    const limit = AbortSignal.timeout(timeoutMs);
    response = await fetch(url, { cache: "no-store", ...init, signal: AbortSignal.any([init.signal, limit]) });
  } catch {
    init.signal.throwIfAborted();
    throw new SignallingError("unreachable", "The server cannot be reached.");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<WebRTCConfig>}
 */
export async function fetchConfig(url, signal) {
  const response = await request(url, { signal });
  const config = await response.json();
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
 */
export async function postOffer(url, offer, signal) {
  const init = { method: "POST", headers: { "Content-Type": "application/sdp" }, body: offer, signal };
  const response = await request(url, init, OFFER_TIMEOUT_MS);
  const location = response.headers.get("Location");
  return {
    answer: await response.text(),
    location: location && new URL(location, response.url || document.baseURI).href,
  };
}

/**
 * End a viewer. Works while the page goes away, and does not matter when it fails: the server
 * notices a silent viewer by itself.
 * @param {string} location
 */
export function deleteViewer(location) {
  fetch(location, { method: "DELETE", keepalive: true }).catch(() => undefined);
}
