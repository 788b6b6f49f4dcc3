// The live list: how it keeps itself connected, and that nothing goes on after close().
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ASK_EACH_MS, DomainEvents } from "../../../../web/core/domains.js";
import { OPEN_LIMIT_MS, SILENCE_LIMIT_MS } from "../../../../web/core/event-stream.js";
import { mockTimeouts, provide, until, wait } from "../support.js";

/** Longer than the first wait between attempts. */
const NEXT_ATTEMPT_MS = 450;

/** What the events told. */
let states = [];
let lists = [];
/** The attempts: each a stream to which a test can write, or a status. @type {Attempt[]} */
let attempts = [];
/** The list, where it is asked for; null: the server is away. @type {string | null} */
let listing = null;

class Attempt {
  /** @param {number} status @param {AbortSignal} signal */
  constructor(status, signal) {
    this.signal = signal;
    const body = new ReadableStream({
      start: (controller) => {
        this.controller = controller;
      },
    });
    signal.addEventListener("abort", () => this.controller.error(signal.reason));
    this.response = new Response(body, { status });
    attempts.push(this);
  }

  bring(text) {
    this.controller.enqueue(new TextEncoder().encode(text));
  }

  end() {
    this.controller.close();
  }
}

beforeEach(() => {
  attempts = [];
  listing = null;
  states = [];
  lists = [];
});

/** Events whose requests get answers of these statuses, the last one again and again; null: none at all. */
function following(context, ...statuses) {
  provide(context, "fetch", async (url, { signal }) => {
    if (url === "/api/domains") return new Response(listing ?? "", { status: listing ? 200 : 502 });
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    const attempt = new Attempt(status ?? 200, signal);
    if (status !== null) return attempt.response;
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  const events = new DomainEvents({ list: (list) => lists.push(list), state: (state) => states.push(state) });
  events.open();
  context.after(() => events.close());
  return events;
}

test("lists are told as they come, however they are cut", async (context) => {
  following(context, 200);
  for (const part of ['data: {"domains": []}\n', '\n:\n\ndata: {"domains": ["\u00e4', '"]}\n\n']) attempts[0].bring(part);
  await until(() => lists.length === 2);
  assert.deepEqual([states, lists], [["live"], [{ domains: [] }, { domains: ["\u00e4"] }]]);
});

test("a character that is cut in two is one character", async (context) => {
  following(context, 200);
  const bytes = new TextEncoder().encode('data: {"domains": ["\u00e4"]}\n\n');
  for (const byte of bytes) attempts[0].controller.enqueue(Uint8Array.of(byte));
  await until(() => lists.length === 1);
  assert.deepEqual(lists, [{ domains: ["\u00e4"] }]);
});

test("a stream that ends is opened again", async (context) => {
  following(context, 200);
  attempts[0].bring('data: {"domains": []}\n\n');
  await until(() => lists.length === 1);
  attempts[0].end();
  await until(() => attempts.length > 1);
  attempts[1].bring('data: {"domains": []}\n\n');
  await until(() => lists.length === 2);
  assert.deepEqual(states, ["live", "reconnecting", "live"]);
});

test("an error of the server is no end", async (context) => {
  following(context, 502, 200);
  await until(() => attempts.length > 1);
  assert.deepEqual(states, ["reconnecting"]);
});

test("a server that is started again is found within a second", async (context) => {
  const timeouts = mockTimeouts(context);
  following(context, 502);
  await settled();
  for (let count = 1; count < 8; count++) {
    assert.equal(attempts.length, count);
    timeouts.tick(1000);
    await settled();
  }
});

test("after a list that came, the first wait is a short one again", async (context) => {
  const timeouts = mockTimeouts(context);
  following(context, 502, 502, 502, 200);
  for (let count = 1; count < 4; count++) {
    await settled();
    timeouts.tick(1000);
  }
  await settled();
  attempts[3].bring('data: {"domains": []}\n\n');
  await settled();
  attempts[3].end();
  await settled();
  timeouts.tick(NEXT_ATTEMPT_MS);
  await settled();
  assert.deepEqual([lists.length, attempts.length], [1, 5]);
});

test("who is signed out is told, and asks no more", async (context) => {
  following(context, 401);
  await until(() => states.length > 0);
  await wait(NEXT_ATTEMPT_MS);
  assert.deepEqual([states, attempts.length], [["signed-out"], 1]);
});

for (const [name, status, limit] of [
  ["a request that is not answered is given up", null, OPEN_LIMIT_MS],
  ["a stream on which nothing comes any more is given up", 200, SILENCE_LIMIT_MS],
]) {
  test(name, async (context) => {
    const timeouts = mockTimeouts(context);
    following(context, status);
    await settled();
    timeouts.tick(limit - 1);
    await settled();
    assert.equal(attempts[0].signal.aborted, false);
    timeouts.tick(1);
    await settled();
    assert.equal(attempts[0].signal.aborted, true);
    timeouts.tick(NEXT_ATTEMPT_MS);
    await settled();
    assert.deepEqual([states, attempts.length], [["reconnecting"], 2]);
  });
}

test("where events are held back, the list is asked for until they come", async (context) => {
  const timeouts = mockTimeouts(context);
  following(context, 200);
  listing = '{"domains": [1]}';
  await settled();
  for (let count = 1; count <= 2; count++) {
    timeouts.tick(ASK_EACH_MS);
    await settled();
    assert.deepEqual([states, lists.length], [["held-back"], count]);
  }
  listing = null;
  timeouts.tick(ASK_EACH_MS);
  await settled();
  assert.deepEqual([states, lists.length], [["held-back", "reconnecting"], 2]);
  attempts[0].bring('data: {"domains": []}\n\n');
  await settled();
  listing = '{"domains": [1]}';
  timeouts.tick(ASK_EACH_MS);
  await settled();
  assert.deepEqual([states, lists.at(-1)], [["held-back", "reconnecting", "live"], { domains: [] }]);
});

test("nothing is opened, and nothing told, once it is closed", async (context) => {
  const events = following(context, 200);
  attempts[0].bring('data: {"domains": []}\n\n');
  events.close();
  await wait(NEXT_ATTEMPT_MS);
  assert.equal(attempts[0].signal.aborted, true);
  assert.deepEqual([states, lists, attempts.length], [[], [], 1]);
});

test("a list that came together with the one at which it was closed is not told", async (context) => {
  const events = following(context, 200);
  const told = [];
  lists = {
    push: (list) => {
      told.push(list);
      events.close();
    },
  };
  attempts[0].bring('data: {"domains": []}\n\ndata: {"domains": []}\n\n');
  await until(() => told.length > 0);
  await settled();
  assert.equal(told.length, 1);
});

test("nothing is opened when it is closed between two attempts", async (context) => {
  const events = following(context, 502);
  await until(() => states.length > 0);
  events.close();
  await wait(NEXT_ATTEMPT_MS);
  assert.equal(attempts.length, 1);
});

test("an attempt that was replaced does not open another one", async (context) => {
  const events = following(context, 200);
  events.open();
  await wait(NEXT_ATTEMPT_MS);
  assert.deepEqual([attempts.length, attempts[0].signal.aborted], [2, true]);
});

/** Everything that can go on without a timer has. */
async function settled() {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
