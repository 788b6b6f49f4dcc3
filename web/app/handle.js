// @ts-check
/** `window.libvirtWebRTC`: what scripts and tests may read of a console page. */

/**
 * @typedef {object} Handle
 * @property {string} state connecting, connected, reconnecting, stopped, problem or signed-out
 * @property {RTCPeerConnection | null} peerConnection the present one
 * @property {import("../core/protocol.js").Size | null} size of the guest's picture, in its pixels
 * @property {number} connections how many peer connections this page has made
 * @property {() => Promise<VideoStats | null>} stats of the video that arrives; null without a connection
 */
/**
 * @typedef {object} VideoStats
 * @property {string} codec MIME type
 * @property {number} framesDecoded
 * @property {number} framesDropped
 * @property {number} bytesReceived
 * @property {number} packetsLost
 * @property {number} jitterBufferMs mean time that a frame waited
 * @property {number} roundTripMs of the connection, as ICE measures it
 */

/**
 * @param {RTCPeerConnection | null} connection
 * @returns {Promise<VideoStats | null>}
 */
async function videoStats(connection) {
  if (!connection) return null;
  const report = await connection.getStats();
  /** @type {any[]} */
  const entries = [...report.values()];
  const video = entries.find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
  const pair = entries.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
  if (!video) return null;
  const waited = video.jitterBufferDelay / video.jitterBufferEmittedCount;
  return {
    codec: report.get(video.codecId)?.mimeType ?? "",
    framesDecoded: video.framesDecoded ?? 0,
    framesDropped: video.framesDropped ?? 0,
    bytesReceived: video.bytesReceived ?? 0,
    packetsLost: video.packetsLost ?? 0,
    jitterBufferMs: Number.isFinite(waited) ? waited * 1000 : 0,
    roundTripMs: (pair?.currentRoundTripTime ?? 0) * 1000,
  };
}

/**
 * @param {object} parts
 * @param {import("../core/session.js").Session} parts.session
 * @param {import("../core/display.js").Display} parts.display
 * @param {() => string} parts.state
 */
export function publish({ session, display, state }) {
  /** @type {Handle} */
  const handle = {
    get state() {
      return state();
    },
    get peerConnection() {
      return session.peerConnection;
    },
    get size() {
      return display.size;
    },
    get connections() {
      return session.connections;
    },
    stats: () => videoStats(session.peerConnection),
  };
  Object.defineProperty(window, "libvirtWebRTC", { value: Object.freeze(handle), enumerable: true });
}
