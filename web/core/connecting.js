// @ts-check
/**
 * Opens a console by WebRTC, or over the portal's own port where that does not get through.
 *
 * WebRTC goes first. Where it has failed, or is not open after a short time, a WebSocket is opened beside it, and whichever
 * is open first is shown. WebRTC is better (lost packets hold up nothing else), so it goes on in the background, is tried
 * again from time to time, and takes over once it is open.
 */

import { pause } from "./backoff.js";
import { encodeWatch } from "./protocol.js";
import { streams } from "./later.js";
import { Peer } from "./peer.js";
import { fetchConfig, SignallingError } from "./signalling.js";
import { rememberWebRTC, webRTCHasFailed, whyNoWebCodecs } from "./webrtc-memory.js";

/** WebRTC is open after about eight round trips. With this, a WebSocket’s picture comes within 3 s of the click. */
const PATIENCE_MS = 1500;
/** And this much more where there are STUN or TURN servers, whose answers an offer waits for (peer.js). */
const GATHERING_MS = 700;
/** What a WebSocket needs is fetched this long into that, so that it is here when the patience ends. */
const AHEAD_MS = 700;
/** WebRTC is tried again this long after it failed, then ever more rarely. */
const AGAIN_FIRST_MS = 20_000;
const AGAIN_LONGEST_MS = 300_000;
/** While the viewer does something, this often it is looked whether WebRTC may take over. */
const IDLE_EACH_MS = 100;

/** @typedef {"auto" | "webrtc" | "websocket"} TransportChoice */
/** @typedef {Peer | import("./websocket-transport.js").WebSocketTransport} Transport */
/**
 * @typedef {object} Target
 * @property {number} index the console's
 * @property {string} console its address; WHEP's and the stream's are below it
 * @property {string} config the address of the ICE configuration
 * @property {() => number} sections of video that a peer connection is to have
 */
/**
 * @typedef {object} ConnectingHandlers
 * @property {(transport: Transport) => void} use show this one from now on, instead of any other
 * @property {() => void} opened the one that is used is open
 * @property {(message: import("./protocol.js").DisplayMessage, console: number | null) => void} message of the one that is used
 * @property {(reason: string) => void} lost the one that is used has ended by itself
 * @property {() => boolean} idle the viewer does nothing now that another connection would break: a drag, a chord
 */

/** The server's configuration forbids WebRTC; `message` says why. */
export class Misconfigured extends Error {}

/** Refusals that are about WebRTC; any other is about the console. */
const OF_WEBRTC = ["bad_offer", "no_candidates", "no_port_left", "ice_configuration"];

/** @param {unknown} error of WebRTC @returns {boolean} whether a stream may do better */
function worthAnother(error) {
  return !(error instanceof SignallingError) || OF_WEBRTC.includes(error.code);
}

export class Connecting {
  /** Why WebRTC is not used, for people; empty: it is, or was not tried. */
  whyNotWebRTC = "";

  #target;
  #choice;
  #handlers;
  /** @type {AbortController | null} */
  #attempt = null;
  /** @type {Set<Transport>} */
  #made = new Set();
  /** @type {Transport | null} */
  #used = null;
  /** The one that is used is open. */
  #isOpen = false;
  /** What came over one that is not used yet. @type {Map<Transport, [import("./protocol.js").DisplayMessage, number | null][]>} */
  #early = new Map();
  /** An offer waits for the answers of STUN or TURN servers. */
  #gathers = false;
  /** WebRTC is being tried beside what is used. */
  #improving = false;
  #againMs = AGAIN_FIRST_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Target} target
   * @param {TransportChoice} choice
   * @param {ConnectingHandlers} handlers
   */
  constructor(target, choice, handlers) {
    this.#target = target;
    this.#choice = choice;
    this.#handlers = handlers;
  }

  get choice() {
    return this.#choice;
  }

  /** What counts from now on: nothing else is tried any more beside one that is open. The open one stays as it is. */
  set choice(choice) {
    this.#choice = choice;
    if (choice === "auto" || !this.#isOpen) return;
    this.#attempt?.abort();
    this.#attempt = new AbortController();
    clearTimeout(this.#timer);
    this.#improving = false;
    for (const other of this.#made) if (other !== this.#used) this.#discard(other);
  }

  /**
   * Open a connection, and replace it where a better one opens later, until end().
   * @returns {Promise<void>} resolved when one is open, or end() was called
   * @throws {import("./signalling.js").SignallingError | Misconfigured | Error} why it could not be opened
   */
  async open() {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#againMs = AGAIN_FIRST_MS;
    const { signal } = attempt;
    try {
      if (this.#choice === "websocket") await this.#byStream(signal);
      else if (this.#choice === "webrtc") await this.#byWebRTC(signal);
      else if (whyNoWebCodecs()) await this.#byNothingElse(signal);
      else if (webRTCHasFailed()) await this.#byStreamFirst(signal);
      else await this.#byEither(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** WebRTC may get through now: try it, where something else is used that was not chosen. */
  improve() {
    const signal = this.#attempt?.signal;
    if (!signal || this.#choice !== "auto" || this.#used?.kind !== "websocket" || this.#improving) return;
    clearTimeout(this.#timer);
    this.#improve(this.#byWebRTC(signal), signal);
  }

  /** Close what was opened, and open nothing more. Idempotent. */
  end() {
    this.#attempt?.abort();
    this.#attempt = null;
    clearTimeout(this.#timer);
    this.#improving = this.#isOpen = false;
    this.#used = null;
    this.#early.clear();
    for (const transport of this.#made) transport.close();
    this.#made.clear();
  }

  /** @param {AbortSignal} signal */
  async #byNothingElse(signal) {
    try {
      await this.#byWebRTC(signal);
    } catch (error) {
      if (error instanceof Misconfigured || !worthAnother(error)) throw error;
      throw new Error(`${error instanceof Error ? error.message : error} ${whyNoWebCodecs()}`);
    }
  }

  /** @param {AbortSignal} signal */
  async #byStreamFirst(signal) {
    try {
      await this.#byStream(signal);
    } catch (error) {
      // What is remembered is no reason to go without a console: WebRTC may be the only way now.
      if (signal.aborted || !worthAnother(error)) throw error;
      await this.#byWebRTC(signal);
      return;
    }
    this.improve();
  }

  /** @param {AbortSignal} signal */
  async #byEither(signal) {
    /** @type {unknown} */
    let failure;
    const byWebRTC = this.#byWebRTC(signal);
    const failed = byWebRTC.catch((error) => {
      failure = error;
    });
    const ahead = setTimeout(() => streams.ahead(), AHEAD_MS);
    await Promise.race([failed, pause(PATIENCE_MS, signal)]);
    clearTimeout(ahead);
    if (!this.#isOpen && failure === undefined && this.#gathers) await Promise.race([failed, pause(GATHERING_MS, signal)]);
    signal.throwIfAborted();
    if (failure && !worthAnother(failure)) throw failure;
    if (this.#isOpen) return;
    try {
      await Promise.any([byWebRTC, this.#byStream(signal)]);
    } catch (error) {
      const [ofWebRTC, ofStream] = /** @type {AggregateError} */ (error).errors;
      const signedOut = ofStream instanceof SignallingError && ofStream.kind === "signed-out";
      throw signedOut ? ofStream : ofWebRTC;
    }
    signal.throwIfAborted();
    if (this.#used?.kind === "websocket") this.#improve(byWebRTC, signal);
  }

  /** @param {Promise<void>} byWebRTC goes on beside what is used @param {AbortSignal} signal */
  #improve(byWebRTC, signal) {
    this.#improving = true;
    byWebRTC
      .catch((error) => {
        if (signal.aborted) return;
        this.whyNotWebRTC = error instanceof Error ? error.message : String(error);
        // A refusal, and a server that is away, say nothing about the way there.
        if (!(error instanceof SignallingError)) rememberWebRTC(false);
        this.#timer = setTimeout(() => this.improve(), this.#againMs);
        this.#againMs = Math.min(2 * this.#againMs, AGAIN_LONGEST_MS);
      })
      .finally(() => {
        if (!signal.aborted) this.#improving = false;
      });
  }

  /** @param {AbortSignal} signal */
  async #byWebRTC(signal) {
    const config = await fetchConfig(this.#target.config, signal);
    signal.throwIfAborted();
    if (config.problem) throw new Misconfigured(config.problem);
    const { iceServers, iceTransportPolicy } = config;
    this.#gathers = iceServers.length > 0;
    const peer = this.#make(
      (handlers) => new Peer({ iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" }, this.#target.sections(), handlers),
    );
    // Its video is on the page before there is any.
    if (!this.#used) this.#use(peer);
    await this.#connect(peer, `${this.#target.console}/whep`, signal);
    rememberWebRTC(true);
    this.whyNotWebRTC = "";
    if (this.#used !== peer) {
      // Its pictures are of use when the page shows them, and begin anew then.
      peer.send(encodeWatch(false), null);
      while (!this.#handlers.idle()) await pause(IDLE_EACH_MS, signal);
      signal.throwIfAborted();
      if (!this.#made.has(peer)) throw new Error("The connection ended before it was used.");
      this.#use(peer);
      signal.throwIfAborted();
      peer.send(encodeWatch(true), null);
    }
    this.#opened(peer);
  }

  /** @param {AbortSignal} signal */
  async #byStream(signal) {
    const { WebSocketTransport } = await streams.load();
    signal.throwIfAborted();
    const stream = this.#make((handlers) => new WebSocketTransport(this.#target.index, handlers));
    await this.#connect(stream, this.#target.console, signal);
    if (this.#isOpen) {
      // WebRTC was faster in the end.
      this.#discard(stream);
      return;
    }
    this.#use(stream);
    signal.throwIfAborted();
    this.#opened(stream);
  }

  /** @param {Transport} transport @param {string} url @param {AbortSignal} signal */
  async #connect(transport, url, signal) {
    try {
      await transport.connect(url, signal);
      signal.throwIfAborted();
    } catch (error) {
      this.#discard(transport);
      throw error;
    }
  }

  /**
   * @template {Transport} T
   * @param {(handlers: import("./peer.js").PeerHandlers) => T} make
   * @returns {T}
   */
  #make(make) {
    const transport = make({
      message: (message, console) => {
        if (this.#used === transport) this.#handlers.message(message, console);
        else this.#early.get(transport)?.push([message, console]);
      },
      lost: (reason) => {
        if (this.#used === transport) this.#handlers.lost(reason);
        else this.#discard(transport);
      },
    });
    this.#made.add(transport);
    this.#early.set(transport, []);
    return transport;
  }

  /** @param {Transport} transport */
  #use(transport) {
    // What the one before says from now on is of use only if it takes over again.
    if (this.#used) this.#early.set(this.#used, []);
    this.#used = transport;
    this.#isOpen = false;
    this.#handlers.use(transport);
    const early = this.#early.get(transport) ?? [];
    this.#early.delete(transport);
    for (const [message, console] of early) this.#handlers.message(message, console);
  }

  /** @param {Transport} transport which is used */
  #opened(transport) {
    this.#isOpen = true;
    // One by WebRTC that is still being opened goes on.
    for (const other of this.#made) if (other.kind === "websocket" && other !== transport) this.#discard(other);
    this.#handlers.opened();
  }

  /** @param {Transport} transport */
  #discard(transport) {
    transport.close();
    this.#made.delete(transport);
    this.#early.delete(transport);
  }
}
