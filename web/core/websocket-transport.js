// @ts-check
/** One WebSocket, from its beginning to its end: pictures and messages over the portal's own port. Never reused. */

import { Heartbeat } from "./heartbeat.js";
import { PictureDecoder } from "./picture-decoder.js";
import { decodeDisplay, encodePing } from "./protocol.js";
import { streamProtocols } from "./session-key.js";
import { whyRefused } from "./signalling.js";
import { decodeWelcome, encodeHello, encodeReceived, encodeWantKeyframe, FrameAssembler, isFrame, toConsole } from "./stream-protocol.js";
import { decodableFormats } from "./webcodecs.js";
import { whyNoWebCodecs } from "./webrtc-memory.js";

const OPEN_TIMEOUT_MS = 10_000;
/** Screens that one stream can show, as a peer connection's sections. */
const SECTIONS = 4;

/** @typedef {import("./peer.js").PeerHandlers} PeerHandlers */

export class WebSocketTransport {
  /** What kind of transport it is. */
  kind = /** @type {const} */ ("websocket");
  /** What each section shows. @type {PictureDecoder[]} */
  streams = [];

  #handlers;
  #index;
  #heartbeat;
  /** The sections of consoles, as CONSOLES told them. @type {Map<number, number>} */
  #sections;
  /** @type {FrameAssembler[]} */
  #assemblers = [];
  /** @type {Set<number>} */
  #opened;
  /** @type {WebSocket | null} */
  #socket = null;
  /** Bytes of messages after WELCOME. */
  #acknowledged = 0;
  #open = false;
  #closed = false;
  /** @type {(reason: Error) => void} */
  #failOpening = () => undefined;

  /**
   * @param {number} index of the console that is asked for
   * @param {PeerHandlers} handlers
   */
  constructor(index, handlers) {
    this.#index = index;
    this.#handlers = handlers;
    this.#sections = new Map([[index, 0]]);
    this.#opened = new Set([index]);
    for (let section = 0; section < SECTIONS; section++) {
      this.streams.push(new PictureDecoder(() => this.#post(encodeWantKeyframe(this.#consoleOf(section)))));
      this.#assemblers.push(new FrameAssembler());
    }
    this.#heartbeat = new Heartbeat(
      (value) => {
        for (const console of this.#opened) this.#post(toConsole(console, encodePing(value)));
      },
      () => this.#lose("The connection went silent."),
      // A data channel keeps a hidden page's timers going; a WebSocket does not.
      { mayBeLate: true },
    );
  }

  /**
   * @param {string} url the console's address
   * @param {AbortSignal} signal ends the attempt
   * @returns {Promise<void>} resolved when messages can be sent
   * @throws {import("./signalling.js").SignallingError | Error}
   */
  async connect(url, signal) {
    const formats = await decodableFormats();
    signal.throwIfAborted();
    if (!formats.length) throw new Error(whyNoWebCodecs() || "This browser decodes none of the formats that there are.");
    const address = new URL(`${url}/stream`, document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, streamProtocols());
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    await new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("The server did not answer in time.")), OPEN_TIMEOUT_MS);
      const end = (/** @type {() => void} */ then) => {
        clearTimeout(limit);
        then();
      };
      this.#failOpening = (reason) => end(() => reject(reason));
      socket.addEventListener("message", ({ data }) => this.#message(data, formats, () => end(() => resolve(undefined))));
      socket.addEventListener("close", () => {
        if (this.#open) this.#lose("The console ended the connection.");
        // A browser does not tell how a WebSocket was refused.
        else whyRefused(url, signal).then((reason) => this.#failOpening(reason));
      });
    });
    signal.throwIfAborted();
    this.#open = true;
    this.#heartbeat.start();
  }

  /**
   * @param {unknown} data
   * @param {import("./stream-protocol.js").FormatName[]} formats
   * @param {() => void} welcomed
   */
  #message(data, formats, welcomed) {
    if (this.#closed) return;
    try {
      if (!(data instanceof ArrayBuffer) || data.byteLength < 2) throw new Error("no message");
      if (isFrame(data)) this.#frame(data);
      else {
        const offered = decodeWelcome(data);
        if (offered) this.#hello(offered.filter((format) => formats.includes(format)), welcomed);
        else {
          this.#acknowledge(data);
          this.#display(new Uint8Array(data)[0], data.slice(1));
        }
      }
    } catch (error) {
      this.#lose(`The server sent something strange: ${error}`);
    }
  }

  /**
   * @param {import("./stream-protocol.js").FormatName[]} formats that the server sends and this browser decodes
   * @param {() => void} welcomed
   */
  #hello(formats, welcomed) {
    if (!formats.length) {
      // Before it counts as open: a slow connection by WebRTC must not end for it.
      this.#lose("This browser decodes none of the formats that the server sends outside of WebRTC.");
      return;
    }
    this.#post(encodeHello(this.#index, formats));
    welcomed();
  }

  /** @param {ArrayBuffer} data */
  #frame(data) {
    const console = new Uint8Array(data)[0];
    const section = this.#sections.get(console);
    const decoder = section === undefined ? undefined : this.streams[section];
    const picture = section === undefined ? null : this.#assemblers[section].add(data);
    if (decoder && picture) decoder.decode(picture);
    if (decoder && picture) decoder.whenReady(() => this.#acknowledge(data));
    else this.#acknowledge(data);
  }

  /** @param {ArrayBuffer} data a message that was taken */
  #acknowledge(data) {
    this.#acknowledged += data.byteLength;
    this.#post(encodeReceived(this.#index, this.#acknowledged));
  }

  /** @param {number} console @param {ArrayBuffer} data */
  #display(console, data) {
    const message = decodeDisplay(data);
    if (!message) return;
    const index = console === this.#index ? null : console;
    if (message.type === "consoles") {
      for (const { index: told, section } of message.consoles) if (section !== null) this.#sections.set(told, section);
    }
    if (message.type === "ended") this.#lose(message.text);
    else if (message.type !== "pong") this.#handlers.message(message, index);
    else if (index === null) this.#heartbeat.pong(message.value);
  }

  /** @param {number} section */
  #consoleOf(section) {
    for (const [console, its] of this.#sections) if (its === section) return console;
    return this.#index;
  }

  /**
   * Open another of the domain's consoles: the server does with its first message.
   * @param {number} index one that the server has told, with a section
   * @returns {Promise<void>}
   */
  async open(index) {
    this.#opened.add(index);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message dropped where the socket is not open
   * @param {number | null} index the console; null: the one that was asked for
   */
  send(message, index) {
    this.#post(toConsole(index ?? this.#index, message));
  }

  /**
   * @param {import("./session.js").Source} source one of `streams`
   * @returns {Promise<import("./measure.js").Reading | null>} null before there is any
   */
  async read(source) {
    const reading = /** @type {PictureDecoder} */ (source).reading();
    return reading && { ...reading, roundTripMs: this.roundTripMs };
  }

  /** @returns {number | null} how long an input message and its answer last took */
  get roundTripMs() {
    return this.#heartbeat.roundTripMs;
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #post(bytes) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(bytes);
  }

  /** @param {string} reason */
  #lose(reason) {
    if (this.#closed) return;
    if (this.#open) this.#handlers.lost(reason);
    else this.#failOpening(new Error(reason));
  }

  /** End the connection. Idempotent. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat.stop();
    for (const decoder of this.streams) decoder.close();
    this.#socket?.close();
    this.#failOpening(new Error("closed"));
  }
}
