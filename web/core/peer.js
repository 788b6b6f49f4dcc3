// @ts-check
/** One RTCPeerConnection's life: offer, answer, open, lost. Never reused: a reconnect makes a new one. */

import { Heartbeat } from "./heartbeat.js";
import { decodeDisplay, encodePing } from "./protocol.js";
import { deleteViewer, postOffer } from "./signalling.js";

/** Candidates that come later than this are not waited for, once there is one at all. */
const GATHER_MS = 1000;
const GATHER_FIRST_MS = 5000;
const OPEN_TIMEOUT_MS = 10_000;

/**
 * @typedef {object} PeerHandlers
 * @property {(stream: MediaStream) => void} stream
 * @property {(message: import("./protocol.js").DisplayMessage) => void} message
 * @property {(reason: string) => void} lost an open connection ended by itself
 */

/**
 * @param {RTCPeerConnection} connection
 * @returns {Promise<void>} resolved when gathering is complete, or has taken long enough
 */
function gathered(connection) {
  return new Promise((resolve) => {
    if (connection.iceGatheringState === "complete") return resolve();
    let [enough, some] = [false, false];
    const check = () => {
      if (connection.iceGatheringState === "complete" || (enough && some)) resolve();
    };
    connection.addEventListener("icegatheringstatechange", check);
    connection.addEventListener("icecandidate", (event) => {
      some ||= event.candidate !== null;
      check();
    });
    setTimeout(() => {
      enough = true;
      check();
    }, GATHER_MS);
    setTimeout(resolve, GATHER_FIRST_MS);
  });
}

export class Peer {
  #handlers;
  #input;
  #display;
  #heartbeat;
  /** @type {string | null} */
  #location = null;
  #open = false;
  #closed = false;
  /** @type {(reason: Error) => void} */
  #failOpening = () => undefined;

  /**
   * @param {RTCConfiguration} config
   * @param {PeerHandlers} handlers
   */
  constructor(config, handlers) {
    this.#handlers = handlers;
    this.connection = new RTCPeerConnection(config);
    const { receiver } = this.connection.addTransceiver("video", { direction: "recvonly" });
    // Not every browser has it; it keeps frames from being held back to smooth the network's jitter.
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    this.#input = this.connection.createDataChannel("input");
    this.#display = this.connection.createDataChannel("display");
    this.#display.binaryType = "arraybuffer";
    this.#heartbeat = new Heartbeat(
      (value) => this.send(encodePing(value)),
      () => this.#lose("The connection went silent."),
    );
    this.connection.addEventListener("track", (event) => {
      handlers.stream(event.streams[0] ?? new MediaStream([event.track]));
    });
    this.connection.addEventListener("connectionstatechange", () => {
      if (this.connection.connectionState === "failed") this.#lose("The media connection failed.");
    });
    this.#display.addEventListener("message", (event) => this.#receive(event.data));
    for (const channel of [this.#input, this.#display]) {
      channel.addEventListener("close", () => this.#lose("The console ended the connection."));
    }
  }

  /**
   * @param {string} url the console's WHEP address
   * @param {AbortSignal} signal ends the attempt
   * @returns {Promise<void>} resolved when both channels are open
   * @throws {import("./signalling.js").SignallingError | Error}
   */
  async connect(url, signal) {
    await this.connection.setLocalDescription();
    // Without ICE servers there are only host candidates, behind names that the server does not look up: it learns
    // our addresses from our checks, which do not wait for this.
    if (this.connection.getConfiguration().iceServers?.length) await gathered(this.connection);
    signal.throwIfAborted();
    const offer = this.connection.localDescription?.sdp ?? "";
    const { answer, location } = await postOffer(url, offer, signal);
    this.#location = location;
    if (this.#closed) {
      this.#leave();
      signal.throwIfAborted();
    }
    const opened = this.#opened();
    await this.connection.setRemoteDescription({ type: "answer", sdp: answer });
    await opened;
    this.#open = true;
    this.#heartbeat.start();
  }

  /** @returns {Promise<void>} */
  #opened() {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error("No media connection came about (is a firewall in between?)."));
      const limit = setTimeout(fail, OPEN_TIMEOUT_MS);
      this.#failOpening = (reason) => {
        clearTimeout(limit);
        reject(reason);
      };
      const check = () => {
        if (this.#input.readyState !== "open" || this.#display.readyState !== "open") return;
        clearTimeout(limit);
        resolve();
      };
      this.#input.addEventListener("open", check);
      this.#display.addEventListener("open", check);
    });
  }

  /** @param {Uint8Array<ArrayBuffer>} message dropped where the channel is not open */
  send(message) {
    if (this.#input.readyState === "open") this.#input.send(message);
  }

  /** @returns {number | null} how long an input message and its answer last took */
  get roundTripMs() {
    return this.#heartbeat.roundTripMs;
  }

  /** @param {ArrayBuffer} data */
  #receive(data) {
    let message;
    try {
      message = decodeDisplay(data);
    } catch (error) {
      this.#lose(`The server sent something strange: ${error}`);
      return;
    }
    if (message?.type === "pong") this.#heartbeat.pong(message.value);
    else if (message) this.#handlers.message(message);
  }

  /** @param {string} reason */
  #lose(reason) {
    if (this.#closed) return;
    if (this.#open) this.#handlers.lost(reason);
    else this.#failOpening(new Error(reason));
  }

  #leave() {
    if (this.#location) deleteViewer(this.#location);
    this.#location = null;
  }

  /** Idempotent; tells the server. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat.stop();
    this.#leave();
    this.connection.close();
    this.#failOpening(new Error("closed"));
  }
}
