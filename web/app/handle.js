// @ts-check
/** `window.libvirtWebRTC`: what scripts and tests may read of a console page. */

/**
 * @typedef {object} Handle
 * @property {string} state connecting, connected, reconnecting, stopped, problem or signed-out
 * @property {"webrtc" | "websocket" | null} transport what the present connection goes over
 * @property {RTCPeerConnection | null} peerConnection the present one; null also where it goes over a WebSocket
 * @property {import("../core/protocol.js").Size | null} size of the guest's picture, in its pixels; the first screen's
 * @property {ConsoleHandle[]} consoles the guest's screens, in order
 * @property {number} connections how many connections this page has made
 * @property {() => Promise<Reading | null>} stats totals of the video that arrives; null without a connection
 * @property {import("./figures.js").Figures | null} figures what the stats overlay shows; null while it is closed
 */
/**
 * @typedef {object} ConsoleHandle
 * @property {number} index the console's
 * @property {import("../core/protocol.js").Size | null} size of its picture
 * @property {boolean} shown on the page now
 * @property {boolean} showing it has a picture of the present connection
 * @property {boolean} enabled the guest shows something there
 * @property {boolean} active
 * @property {HTMLVideoElement} video
 * @property {HTMLCanvasElement} picture where it is drawn, instead, while the connection goes over a WebSocket
 */
/** @typedef {import("../core/measure.js").Reading} Reading */

/**
 * @param {object} parts
 * @param {import("../core/session.js").Session} parts.session
 * @param {import("./viewer-consoles.js").ViewerConsoles} parts.consoles
 * @param {import("./stats.js").Stats} parts.stats
 * @param {() => string} parts.state
 */
export function publish({ session, consoles, stats, state }) {
  /** @type {Handle} */
  const handle = {
    get state() {
      return state();
    },
    get transport() {
      return session.transport;
    },
    get peerConnection() {
      return session.peerConnection;
    },
    get size() {
      return consoles.first.display.size;
    },
    get consoles() {
      return consoles.present.map(({ index, shown, enabled, video, picture, display }) => ({
        index,
        size: display.size,
        shown,
        showing: display.showing,
        enabled,
        active: index === consoles.active.index,
        video,
        picture,
      }));
    },
    get connections() {
      return session.connections;
    },
    get figures() {
      return stats.figures;
    },
    stats: async () => (await session.read(session.stream(0)))?.reading ?? null,
  };
  Object.defineProperty(window, "libvirtWebRTC", { value: Object.freeze(handle), enumerable: true });
}
