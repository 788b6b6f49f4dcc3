// @ts-check
/** Keeps a console connected: makes one Peer after another, until it is told to hold. */

import { Backoff } from "./backoff.js";
import { Peer } from "./peer.js";
import { fetchConfig, SignallingError } from "./signalling.js";

/** After a connection that lasted this long, the waits between attempts begin with the shortest again. */
const STABLE_MS = 5000;

/**
 * @typedef {"held" | "connecting" | "connected" | "waiting" | "problem" | "signed-out"} SessionState
 * held: told not to connect for now; waiting: another attempt comes at `retryAt`;
 * problem: the server's configuration forbids connecting, `message` says why.
 */

/**
 * @typedef {object} SessionHandlers
 * @property {() => void} state the state or its details changed
 * @property {() => void} beginning there is a new connection, with its streams, that is not open yet
 * @property {(message: import("./protocol.js").DisplayMessage, console: number | null) => void} message of that
 *     console; null: of the one that was asked for
 * @property {() => void} ending the present picture is about to end
 */

export class Session {
  /** @type {SessionState} */
  state = "held";
  /** Why it is in that state, for people; while connecting, why the attempt before failed. Often empty. */
  message = "";
  /** When the next attempt comes while waiting, in `performance.now()`'s ms. */
  retryAt = 0;
  /** How many peer connections were made. */
  connections = 0;

  #urls;
  #sections;
  #handlers;
  #backoff = new Backoff();
  /** @type {Peer | null} */
  #peer = null;
  /** @type {AbortController | null} */
  #attempt = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #connectedAt = 0;

  /**
   * @param {{whep: string, config: string}} urls
   * @param {() => number} sections of video that a connection is to have
   * @param {SessionHandlers} handlers
   */
  constructor(urls, sections, handlers) {
    this.#urls = urls;
    this.#sections = sections;
    this.#handlers = handlers;
  }

  /** @returns {RTCPeerConnection | null} */
  get peerConnection() {
    return this.#peer?.connection ?? null;
  }

  /** @returns {number | null} how long an input message and its answer last took */
  get roundTripMs() {
    return this.#peer?.roundTripMs ?? null;
  }

  /** @returns {number} how many consoles the present connection can show */
  get sections() {
    return this.#peer?.streams.length ?? 0;
  }

  /**
   * @param {number} section of the present connection's video
   * @returns {MediaStream | null}
   */
  stream(section) {
    return this.#peer?.streams[section] ?? null;
  }

  /**
   * Open another of the domain's consoles on the present connection.
   * @param {number} index
   * @param {() => void} opened messages can be sent to it
   */
  open(index, opened) {
    const peer = this.#peer;
    void peer?.open(index).then(() => {
      if (peer === this.#peer) opened();
    });
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message dropped unless connected
   * @param {number | null} [index] the console; by default the one that was asked for
   */
  send(message, index = null) {
    this.#peer?.send(message, index);
  }

  /** Connect now, whatever the state; a present connection is replaced. */
  connect() {
    this.#drop();
    void this.#try();
  }

  /** End the connection, tell the server, and make no other until connect() is called. */
  hold() {
    if (this.state === "held") return;
    this.#drop();
    this.#backoff.reset();
    this.#set("held");
  }

  async #try() {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#set("connecting", this.state === "waiting" ? this.message : "");
    try {
      const config = await fetchConfig(this.#urls.config, attempt.signal);
      attempt.signal.throwIfAborted();
      if (config.problem) {
        this.#set("problem", config.problem);
        return;
      }
      const { iceServers, iceTransportPolicy } = config;
      this.#peer = new Peer(
        { iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" },
        this.#sections(),
        { ...this.#handlers, lost: (reason) => this.#lost(reason) },
      );
      this.connections += 1;
      this.#handlers.beginning();
      await this.#peer.connect(this.#urls.whep, attempt.signal);
      this.#connectedAt = performance.now();
      this.#set("connected");
    } catch (error) {
      if (attempt.signal.aborted) return;
      this.#drop();
      if (error instanceof SignallingError && error.kind === "signed-out") this.#set("signed-out", error.message);
      else this.#wait(error);
    }
  }

  /** @param {string} reason */
  #lost(reason) {
    if (performance.now() - this.#connectedAt > STABLE_MS) this.#backoff.reset();
    this.#drop();
    this.#wait(new Error(reason));
  }

  /** @param {unknown} error why the last attempt ended */
  #wait(error) {
    const asked = error instanceof SignallingError ? error.retryAfterMs : 0;
    const delay = Math.max(this.#backoff.next(), asked);
    this.retryAt = performance.now() + delay;
    this.#timer = setTimeout(() => void this.#try(), delay);
    this.#set("waiting", error instanceof Error ? error.message : String(error));
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#attempt?.abort();
    this.#attempt = null;
    if (!this.#peer) return;
    this.#handlers.ending();
    this.#peer.close();
    this.#peer = null;
  }

  /**
   * @param {SessionState} state
   * @param {string} [message]
   */
  #set(state, message = "") {
    this.state = state;
    this.message = message;
    this.#handlers.state();
  }
}
