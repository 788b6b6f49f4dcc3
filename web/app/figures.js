// @ts-check
/** The stats overlay's figures: put together from what the browser and the server measure, and in words. Pure. */

/** @typedef {import("../core/measure.js").Reading} Reading */
/** @typedef {import("../core/measure.js").Flow} Flow */

/**
 * @typedef {object} Figures what the overlay shows; null where nothing is known (yet)
 * @property {string} codec with its chroma
 * @property {number} width of the encoded picture
 * @property {number} height
 * @property {string} encoder the server's; may be empty
 * @property {string} encoderReason why it is that one
 * @property {string | null} layer
 * @property {string} reason why that layer
 * @property {string} path what the packets take
 * @property {string} pathReason between which addresses, and why it is no other way
 * @property {number | null} fps decoded
 * @property {number | null} bitsPerSecond
 * @property {number | null} fractionLost
 * @property {number} dropped frames, by the server or here
 * @property {number | null} roundTripMs of the media path
 * @property {number | null} inputRoundTripMs from an input message to the server's answer
 * @property {number | null} encodeMs
 * @property {number | null} serverMs from the guest's change to its packets; encoding is part of it
 * @property {number | null} networkMs half a round trip
 * @property {number | null} jitterBufferMs
 * @property {number | null} decodeMs
 * @property {number | null} browserMs from a frame's arrival to its display; jitter buffer and decoding are part of it
 * @property {number | null} glassToGlassMs server, network and browser; without what QEMU and the screen add
 */

/**
 * @param {object} parts
 * @param {Reading} parts.reading
 * @param {Flow | null} parts.flow since the reading before
 * @param {import("../core/protocol.js").ServerStats | null} parts.server
 * @param {number | null} parts.inputRoundTripMs
 * @param {number | null} parts.shownMs from a frame's arrival to its display, as the browser tells it
 * @param {Figures | null} parts.last whose times stand while no frame comes
 * @returns {Figures}
 */
export function figures({ reading, flow, server, inputRoundTripMs, shownMs, last }) {
  const roundTripMs = reading.roundTripMs ?? server?.viewer.rtt_ms ?? inputRoundTripMs;
  const jitterBufferMs = flow?.jitterBufferMs ?? last?.jitterBufferMs ?? null;
  const decodeMs = flow?.decodeMs ?? last?.decodeMs ?? null;
  const buffered = jitterBufferMs === null || decodeMs === null ? null : jitterBufferMs + decodeMs;
  const browserMs = shownMs ?? last?.browserMs ?? flow?.processingMs ?? buffered;
  // Before its first frame a rendition has taken no time.
  const serverMs = server?.rendition?.delay_ms || null;
  const networkMs = roundTripMs === null ? null : roundTripMs / 2;
  const known = serverMs !== null && networkMs !== null && browserMs !== null;
  return {
    codec: reading.codec,
    width: reading.width || (server?.rendition?.width ?? 0),
    height: reading.height || (server?.rendition?.height ?? 0),
    encoder: server?.rendition?.encoder ?? "",
    encoderReason: server?.rendition?.encoder_reason ?? "",
    layer: server?.viewer.layer ?? null,
    reason: server?.viewer.reason ?? "",
    path: reading.path,
    pathReason: reading.pathReason,
    fps: flow?.fps ?? null,
    bitsPerSecond: flow?.bitsPerSecond ?? null,
    fractionLost: flow?.fractionLost ?? last?.fractionLost ?? null,
    dropped: reading.framesDropped + (server?.viewer.dropped ?? 0),
    roundTripMs,
    inputRoundTripMs,
    encodeMs: server?.rendition?.encode_ms || null,
    serverMs,
    networkMs,
    jitterBufferMs,
    decodeMs,
    browserMs,
    glassToGlassMs: known ? serverMs + networkMs + browserMs : null,
  };
}

const UNKNOWN = "–";
const LAYERS = /** @type {Record<string, string>} */ ({ full: "Full", reduced: "Reduced rate", half: "Half size" });

/** @param {number | null} value */
function ms(value) {
  return value === null ? UNKNOWN : `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** @param {number | null} value */
function rate(value) {
  if (value === null) return UNKNOWN;
  if (value >= 999_500) return `${(value / 1e6).toFixed(1)} Mbit/s`;
  return `${Math.round(value / 1000)} kbit/s`;
}

/** @param {number | null} value */
function percent(value) {
  return value === null ? UNKNOWN : `${(100 * value).toFixed(1)} %`;
}

/**
 * @param {Figures | null} now
 * @returns {Record<string, string>} by the name of the place on the page
 */
export function inWords(now) {
  return {
    picture: now?.width ? `${now.width} × ${now.height}` : UNKNOWN,
    codec: now?.codec || UNKNOWN,
    encoder: now?.encoderReason ? `${now.encoder} (${now.encoderReason})` : (now?.encoder ?? ""),
    layer: now?.layer ? (LAYERS[now.layer] ?? now.layer) : UNKNOWN,
    reason: now?.reason ?? "",
    path: now?.path || UNKNOWN,
    "path-reason": now?.pathReason ?? "",
    fps: now?.fps == null ? UNKNOWN : `${Math.round(now.fps)} fps`,
    rate: rate(now?.bitsPerSecond ?? null),
    loss: percent(now?.fractionLost ?? null),
    dropped: now ? String(now.dropped) : UNKNOWN,
    "round-trip": ms(now?.roundTripMs ?? null),
    input: ms(now?.inputRoundTripMs ?? null),
    encode: ms(now?.encodeMs ?? null),
    server: ms(now?.serverMs ?? null),
    network: ms(now?.networkMs ?? null),
    jitter: ms(now?.jitterBufferMs ?? null),
    decode: ms(now?.decodeMs ?? null),
    browser: ms(now?.browserMs ?? null),
    total: ms(now?.glassToGlassMs ?? null),
  };
}
