// A stream's WebSocket, against one that the test plays the server of.
import assert from "node:assert/strict";
import { test } from "node:test";

import { WebSocketTransport } from "../../../../web/core/websocket-transport.js";
import { bytes, hex, provide, until } from "../support.js";

const WELCOME = bytes("00 c0 '{\"formats\":[\"VP8\"]}'").buffer;

class FakeSocket extends EventTarget {
  static OPEN = 1;
  /** @type {FakeSocket | null} */
  static last = null;
  readyState = 1;
  /** @type {string[]} */
  sent = [];

  constructor() {
    super();
    FakeSocket.last = this;
  }

  /** @param {Uint8Array} message */
  send(message) {
    this.sent.push(hex(message));
  }

  /** @param {ArrayBuffer} data */
  say(data) {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }

  close() {
    this.readyState = 3;
  }
}

test("each message after WELCOME is acknowledged, and the answer to a ping is the round trip", async (context) => {
  provide(context, "document", { baseURI: "http://portal/" });
  provide(context, "WebSocket", FakeSocket);
  provide(context, "VideoDecoder", { isConfigSupported: async () => ({ supported: true }) });
  /** @type {string[]} */
  const told = [];
  const transport = new WebSocketTransport(0, {
    message: ({ type }) => told.push(type),
    lost: (reason) => assert.fail(reason),
  });
  context.after(() => transport.close());
  const connecting = transport.connect("/c", new AbortController().signal);
  await until(() => FakeSocket.last !== null);
  const socket = /** @type {FakeSocket} */ (FakeSocket.last);
  socket.say(WELCOME);
  await connecting;
  const ping = /** @type {string} */ (socket.sent.find((message) => message.startsWith("0007")));
  socket.sent.length = 0;
  socket.say(bytes("00 88 01").buffer);
  socket.say(bytes(`00 87 ${ping.slice(4)}`).buffer);
  socket.say(bytes("00 c1 03 02 00000000 0040 0030 07").buffer);
  assert.deepEqual(socket.sent, ["004100000003", "004100000009", "004100000016"]);
  assert.deepEqual(told, ["state"]);
  const { streams } = transport;
  streams[0].reading = () => /** @type {any} */ ({ codec: "VP8", roundTripMs: null });
  assert.equal((await transport.read(streams[0]))?.roundTripMs, transport.roundTripMs);
  assert.notEqual(transport.roundTripMs, null);
});
