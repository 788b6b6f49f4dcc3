// @ts-check
/**
 * The data channels' messages, as docs/protocol.md defines them: binary, big-endian, type byte first.
 * Pure: bytes in, values out, and the other way round.
 */

/** A message that does not follow the protocol. */
export class ProtocolError extends Error {}

/** @typedef {"view" | "control" | "operate" | "admin"} Role what a viewer may do with a domain */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {Size & {hotX: number, hotY: number, rgba: Uint8ClampedArray<ArrayBuffer>}} CursorImage */
/**
 * @typedef {{type: "size"} & Size
 *   | {type: "pointer-mode", absolute: boolean}
 *   | {type: "cursor"} & CursorImage
 *   | {type: "cursor-position", x: number, y: number, visible: boolean}
 *   | {type: "leds", scrollLock: boolean, numLock: boolean, capsLock: boolean}
 *   | {type: "enabled", enabled: boolean}
 *   | {type: "pong", value: number}
 *   | {type: "state", paused: boolean}
 *   | {type: "stats"} & ServerStats
 *   | {type: "consoles", consoles: ConsoleInfo[]}
 *   | {type: "resized", taken: boolean}
 *   | {type: "reduced", factor: number}
 *   | {type: "role", role: Role}
 *   | {type: "problem", text: string}
 *   | {type: "ended", text: string}} DisplayMessage
 */
/**
 * @typedef {object} ConsoleInfo one of the domain's graphic consoles
 * @property {number} index
 * @property {number | null} section the video section that shows it; null: this offer had none left
 * @property {string} label QEMU's name of it
 * @property {boolean | null} enabled whether the guest shows something there; null: nobody has looked yet
 */
/** @typedef {Size & {widthMm: number, heightMm: number}} WindowSize in the guest's pixels, and what they measure */
/**
 * @typedef {object} ViewerStats this viewer, as the server sees it
 * @property {string} format
 * @property {string} layer
 * @property {string} reason why it is on that layer
 * @property {number} frames
 * @property {number} keyframes
 * @property {number} bytes
 * @property {number} dropped frames left out because this viewer, or its path, was too slow
 * @property {number} target_bits_per_second what its path is believed to carry
 * @property {number} fraction_lost
 * @property {number | null} rtt_ms
 */
/**
 * @typedef {object} RenditionStats the encoder that it watches, with others maybe; some of its figures
 * @property {string} encoder as FFmpeg names it
 * @property {string} encoder_reason why it is that one; may be empty
 * @property {number} width
 * @property {number} height
 * @property {number} viewers
 * @property {number} fps
 * @property {number} bits_per_second
 * @property {number} encode_ms
 * @property {number} delay_ms from the guest's change to the packets that show it
 */
/** @typedef {{viewer: ViewerStats, rendition: RenditionStats | null}} ServerStats */

/** Most steps that one WHEEL message may carry, each way. */
export const WHEEL_STEPS_MAX = 20;
const CURSOR_SIDE_MAX = 512;
const CODE_BYTES_MAX = 32;

const KEY = 0x01;
const MOVE_TO = 0x02;
const MOVE_BY = 0x03;
const BUTTON = 0x04;
const WHEEL = 0x05;
const RELEASE_ALL = 0x06;
const PING = 0x07;
const WANT_STATS = 0x08;
const WATCH = 0x09;
const RESIZE = 0x0a;

const SIZE = 0x81;
const POINTER_MODE = 0x82;
const CURSOR = 0x83;
const CURSOR_POSITION = 0x84;
const LEDS = 0x85;
const ENABLED = 0x86;
const PONG = 0x87;
const STATE = 0x88;
const STATS = 0x89;
const CONSOLES = 0x8a;
const RESIZED = 0x8b;
const PROBLEM = 0x8c;
const ENDED = 0x8d;
const REDUCED = 0x8e;
const ROLE = 0x8f;

/** From the least on: what the later ones may do includes what the earlier ones may. */
const ROLES = /** @type {const} */ (["view", "control", "operate", "admin"]);

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {number} the nearest whole number within the limits
 */
function whole(value, low, high) {
  return Math.min(high, Math.max(low, Math.round(value)));
}

/**
 * @param {number} type
 * @param {number} length of the body, in bytes
 * @param {(body: DataView) => void} [fill]
 * @returns {Uint8Array<ArrayBuffer>}
 */
function message(type, length, fill) {
  const bytes = new Uint8Array(1 + length);
  bytes[0] = type;
  fill?.(new DataView(bytes.buffer, 1));
  return bytes;
}

/**
 * @param {string} code `KeyboardEvent.code`
 * @returns {boolean} whether the protocol can carry it
 */
export function isKeyCode(code) {
  return code.length <= CODE_BYTES_MAX && /^[\x21-\x7e]+$/.test(code);
}

/**
 * @param {string} code `KeyboardEvent.code`; see {@link isKeyCode}
 * @param {boolean} down
 */
export function encodeKey(code, down) {
  if (!isKeyCode(code)) throw new ProtocolError(`not a key code: ${code}`);
  return message(KEY, 1 + code.length, (body) => {
    body.setUint8(0, down ? 1 : 0);
    for (let i = 0; i < code.length; i++) body.setUint8(1 + i, code.charCodeAt(i));
  });
}

/** @param {number} x @param {number} y guest pixels */
export function encodeMoveTo(x, y) {
  return message(MOVE_TO, 4, (body) => {
    body.setUint16(0, whole(x, 0, 0xffff));
    body.setUint16(2, whole(y, 0, 0xffff));
  });
}

/** @param {number} dx @param {number} dy */
export function encodeMoveBy(dx, dy) {
  return message(MOVE_BY, 4, (body) => {
    body.setInt16(0, whole(dx, -0x8000, 0x7fff));
    body.setInt16(2, whole(dy, -0x8000, 0x7fff));
  });
}

/** @param {number} button `MouseEvent.button` @param {boolean} down */
export function encodeButton(button, down) {
  return message(BUTTON, 2, (body) => {
    body.setUint8(0, button);
    body.setUint8(1, down ? 1 : 0);
  });
}

/** @param {number} dx @param {number} dy steps; positive is right and down */
export function encodeWheel(dx, dy) {
  return message(WHEEL, 2, (body) => {
    body.setInt8(0, whole(dx, -WHEEL_STEPS_MAX, WHEEL_STEPS_MAX));
    body.setInt8(1, whole(dy, -WHEEL_STEPS_MAX, WHEEL_STEPS_MAX));
  });
}

export function encodeReleaseAll() {
  return message(RELEASE_ALL, 0);
}

/** @param {number} value any u32 */
export function encodePing(value) {
  return message(PING, 4, (body) => body.setUint32(0, value >>> 0));
}

/** @param {boolean} wanted whether to send STATS from now on */
export function encodeWantStats(wanted) {
  return message(WANT_STATS, 1, (body) => body.setUint8(0, wanted ? 1 : 0));
}

/** @param {boolean} wanted whether this console's picture is shown here, and so is to be sent */
export function encodeWatch(wanted) {
  return message(WATCH, 1, (body) => body.setUint8(0, wanted ? 1 : 0));
}

/** @param {WindowSize} size what the guest's picture should have */
export function encodeResize({ width, height, widthMm, heightMm }) {
  return message(RESIZE, 8, (body) => {
    for (const [i, value] of [width, height, widthMm, heightMm].entries()) {
      body.setUint16(2 * i, whole(value, 0, 0xffff));
    }
  });
}

/**
 * @param {DataView} body
 * @param {number} length
 */
function expectLength(body, length) {
  if (body.byteLength !== length) {
    throw new ProtocolError(`message body has ${body.byteLength} bytes, not ${length}`);
  }
}

/**
 * @param {DataView} body
 * @returns {DisplayMessage}
 */
function decodeCursor(body) {
  if (body.byteLength < 8) throw new ProtocolError("cursor without a header");
  const [width, height, hotX, hotY] = [0, 2, 4, 6].map((at) => body.getUint16(at));
  if (width > CURSOR_SIDE_MAX || height > CURSOR_SIDE_MAX) throw new ProtocolError("cursor too large");
  expectLength(body, 8 + width * height * 4);
  const rgba = new Uint8ClampedArray(width * height * 4);
  rgba.set(new Uint8Array(body.buffer, body.byteOffset + 8, rgba.length));
  return { type: "cursor", width, height, hotX, hotY, rgba };
}

/** @param {DataView} body @returns {any} */
function decodeJson(body) {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new ProtocolError(`a document that is no JSON: ${error}`);
  }
}

/**
 * @param {DataView} body
 * @returns {DisplayMessage}
 */
function decodeStats(body) {
  const document = decodeJson(body);
  if (!document) throw new ProtocolError("stats without stats");
  return { type: "stats", viewer: document.viewer, rendition: document.rendition };
}

/**
 * @param {DataView} body
 * @returns {DisplayMessage}
 */
function decodeConsoles(body) {
  const consoles = decodeJson(body)?.consoles;
  if (!Array.isArray(consoles)) throw new ProtocolError("consoles without consoles");
  return { type: "consoles", consoles };
}

/** @param {number} number */
function decodeRole(number) {
  const role = ROLES[number];
  if (!role) throw new ProtocolError(`${number} is no role`);
  return role;
}

/** @type {Record<number, [length: number, decode: (body: DataView) => DisplayMessage]>} */
const FIXED = {
  [SIZE]: [4, (body) => ({ type: "size", width: body.getUint16(0), height: body.getUint16(2) })],
  [POINTER_MODE]: [1, (body) => ({ type: "pointer-mode", absolute: body.getUint8(0) !== 0 })],
  [CURSOR_POSITION]: [
    5,
    (body) => ({
      type: "cursor-position",
      x: body.getInt16(0),
      y: body.getInt16(2),
      visible: body.getUint8(4) !== 0,
    }),
  ],
  [LEDS]: [
    1,
    (body) => {
      const bits = body.getUint8(0);
      return { type: "leds", scrollLock: !!(bits & 1), numLock: !!(bits & 2), capsLock: !!(bits & 4) };
    },
  ],
  [ENABLED]: [1, (body) => ({ type: "enabled", enabled: body.getUint8(0) !== 0 })],
  [PONG]: [4, (body) => ({ type: "pong", value: body.getUint32(0) })],
  [STATE]: [1, (body) => ({ type: "state", paused: body.getUint8(0) === 1 })],
  [RESIZED]: [1, (body) => ({ type: "resized", taken: body.getUint8(0) !== 0 })],
  [REDUCED]: [1, (body) => ({ type: "reduced", factor: body.getUint8(0) })],
  [ROLE]: [1, (body) => ({ type: "role", role: decodeRole(body.getUint8(0)) })],
};

/**
 * One message of the `display` channel.
 * @param {ArrayBuffer} buffer
 * @returns {DisplayMessage | null} null for a type that this page does not know (a newer server's)
 * @throws {ProtocolError} a known type with a body that is none of its
 */
export function decodeDisplay(buffer) {
  if (buffer.byteLength === 0) throw new ProtocolError("empty message");
  const type = new DataView(buffer).getUint8(0);
  const body = new DataView(buffer, 1);
  if (type === CURSOR) return decodeCursor(body);
  if (type === STATS) return decodeStats(body);
  if (type === CONSOLES) return decodeConsoles(body);
  if (type === PROBLEM) return { type: "problem", text: new TextDecoder().decode(body) };
  if (type === ENDED) return { type: "ended", text: new TextDecoder().decode(body) };
  const fixed = FIXED[type];
  if (!fixed) return null;
  expectLength(body, fixed[0]);
  return fixed[1](body);
}
