// @ts-check
/** `window.libvirtWebRTC`: what scripts and tests may read of a console page. */

import { read } from "../core/measure.js";

/**
 * @typedef {object} Handle
 * @property {string} state connecting, connected, reconnecting, stopped, problem or signed-out
 * @property {RTCPeerConnection | null} peerConnection the present one
 * @property {import("../core/protocol.js").Size | null} size of the guest's picture, in its pixels
 * @property {number} connections how many peer connections this page has made
 * @property {() => Promise<Reading | null>} stats totals of the video that arrives; null without a connection
 * @property {import("./figures.js").Figures | null} figures what the stats overlay shows; null while it is closed
 */
/** @typedef {import("../core/measure.js").Reading} Reading */

/**
 * @param {object} parts
 * @param {import("../core/session.js").Session} parts.session
 * @param {import("../core/display.js").Display} parts.display
 * @param {import("./stats.js").Stats} parts.stats
 * @param {() => string} parts.state
 */
export function publish({ session, display, stats, state }) {
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
    get figures() {
      return stats.figures;
    },
    stats: async () => session.peerConnection && read(session.peerConnection),
  };
  Object.defineProperty(window, "libvirtWebRTC", { value: Object.freeze(handle), enumerable: true });
}
