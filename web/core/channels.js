// @ts-check
/** A console's two data channels: what the viewer does, and what the guest's side tells. */

import { Nudge } from "./nudge.js";
import { decodeDisplay, encodePing } from "./protocol.js";

export class Channels {
  #input;
  #nudge = new Nudge(() => this.ping(0));
  /** Resolved when messages can be sent. @type {Promise<void>} */
  opened;

  /**
   * @param {RTCPeerConnection} connection
   * @param {number | null} index the console's; null: of the one that was asked for
   * @param {object} handlers
   * @param {(message: import("./protocol.js").DisplayMessage) => void} handlers.message
   * @param {(reason: string) => void} handlers.lost a channel has ended, or brought what is no message
   */
  constructor(connection, index, handlers) {
    const of = index === null ? "" : `/${index}`;
    const input = connection.createDataChannel(`input${of}`);
    const display = connection.createDataChannel(`display${of}`);
    display.binaryType = "arraybuffer";
    display.addEventListener("message", ({ data }) => {
      let message;
      try {
        message = decodeDisplay(data);
      } catch (error) {
        handlers.lost(`The server sent something strange: ${error}`);
        return;
      }
      if (message) handlers.message(message);
    });
    for (const channel of [input, display]) {
      channel.addEventListener("close", () => handlers.lost("The console ended the connection."));
    }
    const open = (/** @type {RTCDataChannel} */ channel) =>
      new Promise((resolve) => channel.addEventListener("open", resolve, { once: true }));
    this.#input = input;
    this.opened = Promise.all([open(input), open(display)]).then(() => undefined);
  }

  /** @param {Uint8Array<ArrayBuffer>} message dropped where the channel is not open */
  send(message) {
    if (this.#input.readyState !== "open") return;
    this.#input.send(message);
    this.#nudge.sent();
  }

  /** @param {number} value comes back in a PONG; dropped where the channel is not open */
  ping(value) {
    if (this.#input.readyState === "open") this.#input.send(encodePing(value));
  }

  /** Send nothing more by itself. */
  close() {
    this.#nudge.stop();
  }
}
