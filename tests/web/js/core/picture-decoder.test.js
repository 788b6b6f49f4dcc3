// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { PictureDecoder } from "../../../../web/core/picture-decoder.js";
import { provide } from "../support.js";

test("where the browser has no dequeue event, pictures that come out make room as well", (context) => {
  /** @type {any} */
  let made;
  /** A decoder that shows the oldest picture when the test says so, and fires no event. */
  class Decoder extends EventTarget {
    state = "configured";
    /** @type {any[]} */
    queue = [];
    /** @param {any} handlers */
    constructor(handlers) {
      super();
      this.output = handlers.output;
      made = this;
    }
    get decodeQueueSize() {
      return this.queue.length;
    }
    configure() {}
    /** @param {any} chunk */
    decode(chunk) {
      this.queue.push(chunk);
    }
    show() {
      this.output({ timestamp: this.queue.shift().timestamp, close() {} });
    }
    close() {}
  }
  provide(context, "VideoDecoder", Decoder);
  provide(context, "EncodedVideoChunk", class {
    /** @param {any} init */
    constructor(init) {
      Object.assign(this, init);
    }
  });
  const decoder = new PictureDecoder(() => undefined);
  let ready = 0;
  for (let i = 0; i < 5; i++) {
    decoder.decode({ format: "VP8", keyframe: i === 0, timestamp: 3000 * i, width: 64, height: 48, data: new Uint8Array(1) });
    decoder.whenReady(() => {
      ready += 1;
    });
  }
  assert.equal(ready, 3);
  made.show();
  assert.equal(ready, 3);
  made.show();
  assert.equal(ready, 5);
  decoder.close();
});
