// @ts-check
/** Keeps a console connected: opens one connection after another, until it is told to hold. */

import { Backoff } from "./backoff.js";
import { Connecting, Misconfigured } from "./connecting.js";
import { SignallingError } from "./signalling.js";

/** After a connection that lasted this long, the waits between attempts begin with the shortest again. */
const STABLE_MS = 5000;

/**
 * @typedef {"held" | "connecting" | "connected" | "waiting" | "problem" | "signed-out"} SessionState
 * held: told not to connect for now; waiting: another attempt comes at `retryAt`;
 * problem: the server's configuration forbids connecting, `message` says why.
 */

/** @typedef {import("./connecting.js").Transport} Transport */
/** @typedef {import("./connecting.js").TransportChoice} TransportChoice */
/** @typedef {import("./measure.js").Reading} Reading */
/** @typedef {MediaStream | import("./picture-decoder.js").PictureDecoder} Source where one console's pictures come from */

/**
 * @typedef {object} SessionHandlers
 * @property {() => void} state the state or its details changed
 * @property {() => void} beginning there is a new connection, with its streams, that is not open yet
 * @property {(message: import("./protocol.js").DisplayMessage, console: number | null) => void} message of that
 *     console; null: of the one that was asked for
 * @property {() => void} ending the present picture is about to end
 * @property {() => boolean} idle as in connecting.js
 */

export class Session {
  /** @type {SessionState} */
  state = "held";
  /** Why it is in that state, for people; while connecting, why the attempt before failed. Often empty. */
  message = "";
  /** When the next attempt comes while waiting, in `performance.now()`'s ms. */
  retryAt = 0;
  /** How many connections were begun whose pictures were shown, or were to be. */
  connections = 0;

  #handlers;
  #connecting;
  #backoff = new Backoff();
  /** @type {Transport | null} */
  #transport = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #connectedAt = 0;

  /**
   * @param {import("./connecting.js").Target} target
   * @param {TransportChoice} choice
   * @param {SessionHandlers} handlers
   */
  constructor(target, choice, handlers) {
    this.#handlers = handlers;
    this.#connecting = new Connecting(target, choice, {
      use: (transport) => this.#use(transport),
      opened: () => {
        this.#connectedAt = performance.now();
        this.#set("connected");
      },
      message: (message, console) => handlers.message(message, console),
      lost: (reason) => this.#lost(reason),
      idle: () => handlers.idle(),
    });
  }

  /** @returns {RTCPeerConnection | null} */
  get peerConnection() {
    return this.#transport?.kind === "webrtc" ? this.#transport.connection : null;
  }

  /** @returns {Transport["kind"] | null} what the present connection goes over */
  get transport() {
    return this.#transport?.kind ?? null;
  }

  /** @returns {TransportChoice} */
  get choice() {
    return this.#connecting.choice;
  }

  /** Choose what connections go over; a present one that goes over something else is replaced. */
  set choice(choice) {
    this.#connecting.choice = choice;
    const fits = choice === "auto" ? this.transport === "webrtc" : choice === this.transport;
    // An attempt that is not over may still open what was not chosen.
    if (this.state !== "held" && !(this.state === "connected" && fits)) this.connect();
  }

  /** @returns {number | null} how long an input message and its answer last took */
  get roundTripMs() {
    return this.#transport?.roundTripMs ?? null;
  }

  /** @returns {number} how many consoles the present connection can show */
  get sections() {
    return this.#transport?.streams.length ?? 0;
  }

  /**
   * @param {number} section of the present connection's video
   * @returns {Source | null}
   */
  stream(section) {
    return this.#transport?.streams[section] ?? null;
  }

  /**
   * @param {Source | null} source one of the present connection's streams
   * @returns {Promise<{of: object, reading: Reading} | null>} totals of that connection; null before there are any
   */
  async read(source) {
    const of = this.#transport;
    const reading = of && source && (await of.read(source));
    if (!of || !reading) return null;
    const why = this.#connecting.whyNotWebRTC;
    return { of, reading: of.kind === "websocket" && why ? { ...reading, pathReason: `WebRTC: ${why}` } : reading };
  }

  /**
   * Open another of the domain's consoles on the present connection.
   * @param {number} index
   * @param {() => void} opened messages can be sent to it
   */
  open(index, opened) {
    const transport = this.#transport;
    void transport?.open(index).then(() => {
      if (transport === this.#transport) opened();
    });
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message dropped unless connected
   * @param {number | null} [index] the console; by default the one that was asked for
   */
  send(message, index = null) {
    this.#transport?.send(message, index);
  }

  /** Connect now, whatever the state; a present connection is replaced. */
  connect() {
    this.#drop();
    void this.#try();
  }

  /** The network has changed: WebRTC may get through now. */
  improve() {
    this.#connecting.improve();
  }

  /** End the connection, tell the server, and make no other until connect() is called. */
  hold() {
    if (this.state === "held") return;
    this.#drop();
    this.#backoff.reset();
    this.#set("held");
  }

  async #try() {
    this.#set("connecting", this.state === "waiting" ? this.message : "");
    try {
      await this.#connecting.open();
    } catch (error) {
      this.#drop();
      if (error instanceof Misconfigured) this.#set("problem", error.message);
      else if (error instanceof SignallingError && error.kind === "signed-out") this.#set("signed-out", error.message);
      else this.#wait(error);
    }
  }

  /** @param {Transport} transport whose pictures and messages are shown from now on */
  #use(transport) {
    if (this.#transport) this.#handlers.ending();
    this.#transport = transport;
    this.connections += 1;
    this.#handlers.beginning();
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
    if (this.#transport) this.#handlers.ending();
    this.#transport = null;
    this.#connecting.end();
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
