// The live list: how it keeps itself connected, and that nothing goes on after close().
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { DomainEvents } from "../../../../web/core/domains.js";
import { LIMIT_MS } from "../../../../web/core/request.js";
import { provide, until, wait } from "../support.js";

/** Longer than the first wait between attempts. */
const NEXT_ATTEMPT_MS = 450;

/** What the events told. */
let states = [];
let lists = [];

class FakeSource extends EventTarget {
  static made = [];

  constructor(url) {
    super();
    this.url = url;
    this.closed = false;
    FakeSource.made.push(this);
  }

  close() {
    this.closed = true;
  }

  fail() {
    this.dispatchEvent(new Event("error"));
  }

  bring(data) {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

beforeEach(() => {
  FakeSource.made = [];
  states = [];
  lists = [];
});

/** Events whose source is a fake, and whose question for the list is answered by `answer`. */
function following(context, answer) {
  provide(context, "EventSource", FakeSource);
  provide(context, "fetch", answer);
  const events = new DomainEvents({ list: (list) => lists.push(list), state: (state) => states.push(state) });
  events.open();
  context.after(() => events.close());
  return events;
}

const status = (code) => async () => new Response("{}", { status: code });

test("lists are told as they come", (context) => {
  following(context, status(200));
  FakeSource.made[0].bring('{"domains": []}');
  assert.deepEqual([states, lists], [["live"], [{ domains: [] }]]);
});

test("a source that fails is replaced", async (context) => {
  following(context, status(502));
  FakeSource.made[0].fail();
  await until(() => FakeSource.made.length > 1);
  assert.deepEqual(states, ["reconnecting"]);
  assert.deepEqual(FakeSource.made.map(({ closed }) => closed), [true, false]);
});

test("who is signed out is told, and asks no more", async (context) => {
  following(context, status(401));
  FakeSource.made[0].fail();
  await until(() => states.length > 1);
  await wait(NEXT_ATTEMPT_MS);
  assert.deepEqual([states, FakeSource.made.length], [["reconnecting", "signed-out"], 1]);
});

test("a question for the list that is not answered is given up, and a source opened again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const unanswered = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  following(context, unanswered);
  FakeSource.made[0].fail();
  context.mock.timers.tick(LIMIT_MS);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  context.mock.timers.tick(NEXT_ATTEMPT_MS);
  assert.deepEqual([states, FakeSource.made.length], [["reconnecting"], 2]);
});

test("nothing is opened, and nothing told, once it is closed", async (context) => {
  let answer = () => undefined;
  const asked = [];
  const events = following(context, (_, init) => {
    asked.push(init.signal);
    return new Promise((resolve) => {
      answer = () => resolve(new Response("{}", { status: 401 }));
    });
  });
  FakeSource.made[0].fail();
  await wait(0);
  // While it is being found out why the source failed.
  events.close();
  assert.equal(asked[0].aborted, true);
  answer();
  await wait(NEXT_ATTEMPT_MS);
  assert.deepEqual([states, FakeSource.made.length], [["reconnecting"], 1]);
});

test("nothing is opened when it is closed between two attempts", async (context) => {
  const events = following(context, status(502));
  FakeSource.made[0].fail();
  await wait(50);
  events.close();
  await wait(NEXT_ATTEMPT_MS);
  assert.equal(FakeSource.made.length, 1);
});

test("an attempt that was replaced does not open another source", async (context) => {
  const events = following(context, status(502));
  FakeSource.made[0].fail();
  events.open();
  await wait(NEXT_ATTEMPT_MS);
  assert.equal(FakeSource.made.length, 2);
});
