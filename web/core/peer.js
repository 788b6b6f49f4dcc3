// @ts-check
/** One RTCPeerConnection, from offer to end. It is never reused: each reconnect makes a new one. */

import { Channels } from "./channels.js";
import { Heartbeat } from "./heartbeat.js";
import { read } from "./measure.js";
import { failureWords, readPath } from "./path.js";
import { deleteViewer, postOffer } from "./signalling.js";

/** The offer is sent this long after gathering began if there is a candidate, and after the second limit in any case. */
const GATHER_MS = 1000;
const GATHER_FIRST_MS = 5000;
const OPEN_TIMEOUT_MS = 10_000;

/**
 * @typedef {object} PeerHandlers
 * @property {(message: import("./protocol.js").DisplayMessage, console: number | null) => void} message of that
 *     console; null: of the one that was asked for
 * @property {(reason: string) => void} lost an open connection ended by itself
 */

/**
 * @param {RTCPeerConnection} connection
 * @param {AbortSignal} signal ends the wait
 * @returns {Promise<void>} resolved when gathering is complete, has taken long enough, or is not waited for any more
 */
function gathered(connection, signal) {
  return new Promise((resolve) => {
    const waiting = new AbortController();
    const until = { signal: waiting.signal };
    let [enough, some] = [false, false];
    const done = () => {
      waiting.abort();
      for (const timer of timers) clearTimeout(timer);
      resolve();
    };
    const check = () => {
      if (signal.aborted || connection.iceGatheringState === "complete" || (enough && some)) done();
    };
    const timers = [
      setTimeout(() => {
        enough = true;
        check();
      }, GATHER_MS),
      setTimeout(done, GATHER_FIRST_MS),
    ];
    signal.addEventListener("abort", done, until);
    connection.addEventListener("icegatheringstatechange", check, until);
    connection.addEventListener(
      "icecandidate",
      (event) => {
        some ||= event.candidate !== null;
        check();
      },
      until,
    );
    check();
  });
}

export class Peer {
  /** What kind of transport it is. */
  kind = /** @type {const} */ ("webrtc");
  #handlers;
  /** Of the console that was asked for. */
  #first;
  /** Of the others that were opened. @type {Map<number, Channels>} */
  #others = new Map();
  #heartbeat;
  /** @type {string | null} */
  #location = null;
  #open = false;
  #closed = false;
  /** @type {(reason: Error) => void} */
  #failOpening = () => undefined;
  /** What each video section brings. @type {MediaStream[]} */
  streams = [];

  /**
   * @param {RTCConfiguration} config
   * @param {number} sections of video: how many consoles it can show
   * @param {PeerHandlers} handlers
   */
  constructor(config, sections, handlers) {
    this.#handlers = handlers;
    this.connection = new RTCPeerConnection(config);
    for (let section = 0; section < sections; section++) {
      const { receiver } = this.connection.addTransceiver("video", { direction: "recvonly" });
      // Show frames as they come, not smoothed for the network's jitter. Not every browser has this setting.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      this.streams.push(new MediaStream([receiver.track]));
    }
    this.#first = this.#channels(null);
    this.#heartbeat = new Heartbeat(
      (value) => {
        for (const channels of [this.#first, ...this.#others.values()]) channels.ping(value);
      },
      () => this.#lose("The connection went silent."),
    );
    this.connection.addEventListener("connectionstatechange", () => {
      if (this.connection.connectionState !== "failed") return;
      void this.#explain("The media connection failed.").then(({ message }) => this.#lose(message));
    });
  }

  /** @param {number | null} index */
  #channels(index) {
    return new Channels(this.connection, index, {
      message: (message) => {
        if (message.type === "ended") this.#lose(message.text);
        else if (message.type !== "pong") this.#handlers.message(message, index);
        else if (index === null) this.#heartbeat.pong(message.value);
      },
      lost: (reason) => this.#lose(reason),
    });
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
    const { iceServers, iceTransportPolicy } = this.connection.getConfiguration();
    if (iceServers?.length) await gathered(this.connection, signal);
    signal.throwIfAborted();
    // Only relays are allowed and there is no relay's address, so no answer could lead to a connection.
    const none = iceTransportPolicy === "relay" && !this.connection.localDescription?.sdp.includes("a=candidate:");
    if (none) throw new Error("No TURN server gave this browser an address: check the TURN server, and the way to it.");
    const offer = this.connection.localDescription?.sdp ?? "";
    const { answer, location } = await postOffer(url, offer, signal);
    this.#location = location;
    if (this.#closed) {
      this.#leave();
      signal.throwIfAborted();
    }
    // Awaited together: if the answer cannot be used, the rejection of the other promise must not stay unheard.
    await Promise.all([this.#opened(), this.connection.setRemoteDescription({ type: "answer", sdp: answer })]);
    this.#open = true;
    this.#heartbeat.start();
  }

  /** @returns {Promise<void>} */
  #opened() {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => void this.#explain("No media connection came about.").then(reject), OPEN_TIMEOUT_MS);
      this.#failOpening = (reason) => {
        clearTimeout(limit);
        reject(reason);
      };
      this.#first.opened.then(() => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  /**
   * @param {string} what happened, in a sentence
   * @returns {Promise<Error>} that, and what was tried
   */
  async #explain(what) {
    const { iceServers } = this.connection.getConfiguration();
    const relays = (iceServers ?? []).some(({ urls }) => [urls].flat().some((url) => url.startsWith("turn")));
    return new Error(`${what} ${failureWords(readPath(await this.connection.getStats()), relays)}`);
  }

  /**
   * Open another of the domain's consoles; nothing where it is open.
   * @param {number} index one that the server has told, with a section
   * @returns {Promise<void>} resolved when messages can be sent to it; never, where the connection ends before
   */
  open(index) {
    const channels = this.#others.get(index) ?? this.#channels(index);
    this.#others.set(index, channels);
    return channels.opened;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message dropped where the channel is not open
   * @param {number | null} index the console; null: the one that was asked for
   */
  send(message, index) {
    (index === null ? this.#first : this.#others.get(index))?.send(message);
  }

  /** @returns {number | null} how long an input message and its answer last took */
  get roundTripMs() {
    return this.#heartbeat.roundTripMs;
  }

  /**
   * @param {import("./session.js").Source} source one of `streams`
   * @returns {Promise<import("./measure.js").Reading | null>} null before there is any
   */
  async read(source) {
    return read(this.connection, /** @type {MediaStream} */ (source));
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

  /** End the connection and tell the server. Idempotent. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat.stop();
    for (const channels of [this.#first, ...this.#others.values()]) channels.close();
    this.#leave();
    this.connection.close();
    this.#failOpening(new Error("closed"));
  }
}
