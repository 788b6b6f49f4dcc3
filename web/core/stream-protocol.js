// @ts-check
/**
 * The messages that only a stream has, as docs/protocol.md defines them under "The stream"; the others are those of
 * protocol.js. Every message begins with its console's index, in one byte. Pure.
 */

import { ProtocolError } from "./protocol.js";

const HELLO = 0x40;
const RECEIVED = 0x41;
const WANT_KEYFRAME = 0x42;
const WELCOME = 0xc0;
const FRAME = 0xc1;

const KEYFRAME = 1;
const FIRST = 2;
const LAST = 4;
const HEAD_BYTES = 9;

/** @typedef {"H264" | "H264_444" | "VP8" | "VP9" | "VP9_444"} FormatName */
/** By their numbers in a FRAME. @type {FormatName[]} */
export const FORMATS = ["H264", "H264_444", "VP8", "VP9", "VP9_444"];

/**
 * @typedef {object} EncodedPicture one access unit
 * @property {FormatName} format
 * @property {boolean} keyframe it needs no other picture
 * @property {number} timestamp in ticks of a 90 kHz clock, modulo 2^32
 * @property {number} width of the encoded picture
 * @property {number} height
 * @property {Uint8Array<ArrayBuffer>} data
 */

/**
 * @param {number} index the console's
 * @param {Uint8Array<ArrayBuffer>} message of the input channel
 */
export function toConsole(index, message) {
  const bytes = new Uint8Array(1 + message.length);
  bytes[0] = index;
  bytes.set(message, 1);
  return bytes;
}

/** @param {number} index @param {FormatName[]} formats what this browser decodes */
export function encodeHello(index, formats) {
  const text = new TextEncoder().encode(JSON.stringify({ formats }));
  const bytes = new Uint8Array(2 + text.length);
  bytes.set([index, HELLO]);
  bytes.set(text, 2);
  return bytes;
}

/** @param {number} index @param {number} count bytes of messages received since WELCOME */
export function encodeReceived(index, count) {
  const bytes = new Uint8Array(6);
  bytes.set([index, RECEIVED]);
  new DataView(bytes.buffer).setUint32(2, count % 2 ** 32);
  return bytes;
}

/** @param {number} index */
export function encodeWantKeyframe(index) {
  return new Uint8Array([index, WANT_KEYFRAME]);
}

/**
 * @param {ArrayBuffer} buffer a message from the server, with the index before it
 * @returns {FormatName[] | null} what consoles may be sent as; null: it is no WELCOME
 * @throws {ProtocolError}
 */
export function decodeWelcome(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes[1] !== WELCOME) return null;
  try {
    const { formats } = JSON.parse(new TextDecoder().decode(bytes.subarray(2)));
    return FORMATS.filter((name) => formats.includes(name));
  } catch (error) {
    throw new ProtocolError(`a WELCOME without formats: ${error}`);
  }
}

/** @param {ArrayBuffer} buffer a message from the server @returns {boolean} */
export function isFrame(buffer) {
  return new Uint8Array(buffer)[1] === FRAME;
}

/** Puts one console's pictures together from the FRAMEs that they come in. */
export class FrameAssembler {
  /** @type {Omit<EncodedPicture, "data"> | null} */
  #head = null;
  /** @type {Uint8Array[]} */
  #parts = [];

  /**
   * @param {ArrayBuffer} buffer a FRAME, with the console's index before it
   * @returns {EncodedPicture | null} null: there are more parts to come
   * @throws {ProtocolError}
   */
  add(buffer) {
    if (buffer.byteLength < 3) throw new ProtocolError("a FRAME without flags");
    const view = new DataView(buffer, 2);
    const flags = view.getUint8(0);
    let data = new Uint8Array(buffer, 3);
    if (flags & FIRST) {
      // What is left of a picture before it was replaced by another.
      this.#parts = [];
      if (data.length < HEAD_BYTES) throw new ProtocolError("a FRAME without a head");
      const format = FORMATS[view.getUint8(1)];
      if (!format) throw new ProtocolError(`a FRAME of an unknown format: ${view.getUint8(1)}`);
      this.#head = {
        format,
        keyframe: (flags & KEYFRAME) !== 0,
        timestamp: view.getUint32(2),
        width: view.getUint16(6),
        height: view.getUint16(8),
      };
      data = data.subarray(HEAD_BYTES);
    }
    if (!this.#head) throw new ProtocolError("a FRAME that continues nothing");
    this.#parts.push(data);
    if (!(flags & LAST)) return null;
    const picture = { ...this.#head, data: joined(this.#parts) };
    this.#head = null;
    this.#parts = [];
    return picture;
  }
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
