// What several tests need: bytes as text, a page's elements and events where Node has none, and waiting.

/**
 * @param {string} text hexadecimal digits and 'texts in single quotes', with blanks in between
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytes(text) {
  const parts = text.match(/'[^']*'|[0-9a-f]{2}/g) ?? [];
  return Uint8Array.from(
    parts.flatMap((part) => (part[0] === "'" ? [...new TextEncoder().encode(part.slice(1, -1))] : [parseInt(part, 16)])),
  );
}

/** @param {Uint8Array} message */
export function hex(message) {
  return Buffer.from(message).toString("hex");
}

/**
 * @param {string} type
 * @param {object} [properties]
 * @returns {any} an event that can be prevented, with the properties of one that Node does not have
 */
export function event(type, properties = {}) {
  return Object.assign(new Event(type, { cancelable: true }), properties);
}

/** @param {number} ms */
export function wait(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/**
 * Wait for something that comes by itself, however loaded the machine is.
 * @param {() => boolean} condition
 */
export async function until(condition) {
  for (const end = Date.now() + 30_000; !condition(); ) {
    if (Date.now() > end) throw new Error(`it never came: ${condition}`);
    await wait(5);
  }
}

/**
 * Put a global of the browser's in place for one test.
 * @param {import("node:test").TestContext} context
 * @param {string} name
 * @param {unknown} value
 */
export function provide(context, name, value) {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  context.after(() => {
    if (before) Object.defineProperty(globalThis, name, before);
    else Reflect.deleteProperty(globalThis, name);
  });
}

/**
 * What an Outbox sends, in words, as it comes.
 * @returns {{log: string[], send: (message: Uint8Array<ArrayBuffer>) => void}}
 */
export function inputLog() {
  /** @type {string[]} */
  const log = [];
  const send = (/** @type {Uint8Array<ArrayBuffer>} */ message) => {
    const body = new DataView(message.buffer, 1);
    switch (message[0]) {
      case 1:
        log.push((message[1] ? "+" : "-") + String.fromCharCode(...message.slice(2)));
        break;
      case 2:
        log.push(`to ${body.getUint16(0)},${body.getUint16(2)}`);
        break;
      case 3:
        log.push(`by ${body.getInt16(0)},${body.getInt16(2)}`);
        break;
      case 4:
        log.push(`${message[1]}${message[2] ? "down" : "up"}`);
        break;
      case 5:
        log.push(`wheel ${body.getInt8(0)},${body.getInt8(1)}`);
        break;
      default:
        log.push("release");
    }
  };
  return { log, send };
}

/**
 * Have a test tell how time passes for setTimeout(): Node's own mock timers differ by its version, and those of Debian 12
 * (18.20) lose a timer where one that is over is cleared.
 * @param {import("node:test").TestContext} context
 * @returns {{tick: (ms: number) => void}} `tick` lets that much time pass
 */
export function mockTimeouts(context) {
  let now = 0;
  let made = 0;
  /** @type {Map<number, {at: number, done: () => void}>} */
  const waiting = new Map();
  provide(context, "setTimeout", (/** @type {() => void} */ done, ms = 0) => {
    made += 1;
    waiting.set(made, { at: now + ms, done });
    return made;
  });
  provide(context, "clearTimeout", (/** @type {number} */ timer) => waiting.delete(timer));
  const tick = (/** @type {number} */ ms) => {
    now += ms;
    for (const [timer, { at, done }] of [...waiting].sort(([, one], [, other]) => one.at - other.at)) {
      if (at <= now && waiting.delete(timer)) done();
    }
  };
  return { tick };
}
