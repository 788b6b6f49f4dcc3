// @ts-check
/** Readings of a connection's statistics, and the rates between two of them. */

import { chosenWords, otherWords, readPath } from "./path.js";

/**
 * @typedef {object} Reading totals since the connection began; durations in ms
 * @property {number} at when it was read
 * @property {string} codec in words, with its chroma: "H.264 4:2:0"
 * @property {number} width of the encoded picture
 * @property {number} height
 * @property {number} framesReceived
 * @property {number} framesDecoded
 * @property {number} framesDropped
 * @property {number} keyFramesDecoded
 * @property {number} bytesReceived
 * @property {number} packetsReceived
 * @property {number} packetsLost
 * @property {number} decodeMs all frames together, like the next three
 * @property {number} jitterBufferMs
 * @property {number} jitterBufferFrames how many frames have left it
 * @property {number} processingMs from a frame's first packet to the decoded frame; 0 where the browser does not tell
 * @property {number | null} roundTripMs of the path, as ICE measures it; null where the browser does not tell
 * @property {string} decoder the browser's name of it; may be empty
 * @property {string} path what the packets take, in words
 * @property {string} pathReason between which addresses, and why it is no other way; may be empty
 */

/**
 * @typedef {object} Flow what lies between two readings; null where nothing came that could tell
 * @property {number} fps decoded
 * @property {number} bitsPerSecond
 * @property {number | null} fractionLost 0 to 1
 * @property {number | null} decodeMs mean of a frame, like the next two
 * @property {number | null} jitterBufferMs
 * @property {number | null} processingMs
 */

const NAMES = /** @type {Record<string, string>} */ ({ H264: "H.264", H265: "H.265" });

/**
 * @param {string} mimeType
 * @param {string} [parameters] the codec's `fmtp` line
 * @returns {string} codec and chroma for people
 */
export function codecWords(mimeType, parameters = "") {
  const codec = mimeType.split("/")[1]?.toUpperCase();
  if (!codec) return "";
  const value = (/** @type {string} */ name) => new RegExp(`(?:^|;)\\s*${name}=(\\w+)`, "i").exec(parameters)?.[1] ?? "";
  const full =
    (codec === "H264" && /^f4/i.test(value("profile-level-id"))) ||
    (codec === "VP9" && value("profile-id") === "1");
  return `${NAMES[codec] ?? codec} ${full ? "4:4:4" : "4:2:0"}`;
}

/**
 * @param {RTCPeerConnection} connection
 * @param {MediaStream | null} stream whose video
 * @returns {Promise<Reading | null>} null before there is any
 */
export async function read(connection, stream) {
  const report = await connection.getStats();
  /** @type {any[]} */
  const entries = [...report.values()];
  const track = stream?.getVideoTracks()[0]?.id;
  const video = entries.find(({ type, trackIdentifier }) => type === "inbound-rtp" && trackIdentifier === track);
  if (!video) return null;
  const pair = entries.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
  const codec = report.get(video.codecId);
  const count = (/** @type {string} */ name) => video[name] ?? 0;
  const path = readPath(report);
  const roundTrip = pair?.currentRoundTripTime;
  return {
    at: video.timestamp,
    codec: codecWords(codec?.mimeType ?? "", codec?.sdpFmtpLine),
    width: count("frameWidth"),
    height: count("frameHeight"),
    framesReceived: count("framesReceived"),
    framesDecoded: count("framesDecoded"),
    framesDropped: count("framesDropped"),
    keyFramesDecoded: count("keyFramesDecoded"),
    bytesReceived: count("bytesReceived"),
    packetsReceived: count("packetsReceived"),
    packetsLost: count("packetsLost"),
    decodeMs: count("totalDecodeTime") * 1000,
    jitterBufferMs: count("jitterBufferDelay") * 1000,
    jitterBufferFrames: count("jitterBufferEmittedCount"),
    processingMs: count("totalProcessingDelay") * 1000,
    roundTripMs: roundTrip === undefined ? null : roundTrip * 1000,
    decoder: video.decoderImplementation ?? "",
    path: chosenWords(path),
    pathReason: otherWords(path),
  };
}

/**
 * @param {Reading} before
 * @param {Reading} after of the same connection, later
 * @returns {Flow}
 */
export function between(before, after) {
  const seconds = Math.max(after.at - before.at, 1) / 1000;
  const frames = after.framesDecoded - before.framesDecoded;
  const emitted = after.jitterBufferFrames - before.jitterBufferFrames;
  const lost = Math.max(after.packetsLost - before.packetsLost, 0);
  const packets = after.packetsReceived - before.packetsReceived + lost;
  const mean = (/** @type {number} */ sum, /** @type {number} */ count) => (count > 0 ? sum / count : null);
  return {
    fps: frames / seconds,
    bitsPerSecond: (8 * (after.bytesReceived - before.bytesReceived)) / seconds,
    fractionLost: mean(lost, packets),
    decodeMs: mean(after.decodeMs - before.decodeMs, frames),
    jitterBufferMs: mean(after.jitterBufferMs - before.jitterBufferMs, emitted),
    processingMs: after.processingMs > 0 ? mean(after.processingMs - before.processingMs, frames) : null,
  };
}
