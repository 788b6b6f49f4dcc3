// The session's key goes to this origin, and nowhere else.
import assert from "node:assert/strict";
import { test } from "node:test";

import { readEvents } from "../../../../web/core/event-stream.js";
import { request } from "../../../../web/core/request.js";
import { forgetSessionKey, keepSessionKey, linkOfPage, sessionHeaders, streamProtocols } from "../../../../web/core/session-key.js";
import { provide } from "../support.js";

/** A browser's storage and a page of this origin. */
function page(context) {
  const kept = new Map();
  provide(context, "localStorage", {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
    removeItem: (name) => kept.delete(name),
    key: (i) => [...kept.keys()][i] ?? null,
    get length() {
      return kept.size;
    },
  });
  provide(context, "location", { origin: "http://localhost:8080" });
  provide(context, "document", { baseURI: "http://localhost:8080/console/x" });
}

test("the key is a header of requests to this origin until it is forgotten", (context) => {
  page(context);
  assert.deepEqual(sessionHeaders("/api/domains"), {});
  keepSessionKey("the-key");
  for (const url of ["/api/domains", "whep", "http://localhost:8080/api"]) {
    assert.deepEqual(sessionHeaders(url), { "Session-Key": "the-key" }, url);
  }
  for (const url of ["http://localhost:8081/api", "https://localhost:8080/", "//evil.example/", "http://127.0.0.1:8080/"]) {
    assert.deepEqual(sessionHeaders(url), {}, url);
  }
  forgetSessionKey();
  assert.deepEqual(sessionHeaders("/api/domains"), {});
});

test("a page that a share link opened has that link's key, and the user's own stays", (context) => {
  page(context);
  keepSessionKey("my-own");
  keepSessionKey("the-link's", "0123abcd");
  assert.equal(linkOfPage(), "");
  assert.deepEqual(sessionHeaders("/api/events"), { "Session-Key": "my-own" });
  location.search = "?console=1&link=0123abcd";
  assert.equal(linkOfPage(), "0123abcd");
  assert.deepEqual(sessionHeaders("/api/events"), { "Session-Key": "the-link's" });
  assert.deepEqual(streamProtocols(), ["libvirt-webrtc.stream", "libvirt-webrtc.key.the-link's"]);
  forgetSessionKey("0123abcd");
  assert.deepEqual(sessionHeaders("/api/events"), {});
  location.search = "";
  assert.deepEqual(sessionHeaders("/api/events"), { "Session-Key": "my-own" });
});

test("of the links that were opened, the keys of the last ones are kept", (context) => {
  page(context);
  let now = 1000;
  provide(context, "Date", { now: () => now });
  keepSessionKey("my-own");
  for (let i = 0; i < 100; i++, now++) keepSessionKey("a-link's", `link-${i}`);
  assert.equal(localStorage.length, 1 + 64);
  const keyOf = (/** @type {number} */ i) => {
    location.search = `?link=link-${i}`;
    return sessionHeaders("/api/events")["Session-Key"];
  };
  assert.deepEqual([keyOf(0), keyOf(35), keyOf(36), keyOf(99)], [undefined, undefined, "a-link's", "a-link's"]);
});

test("requests and the live list come with the key", async (context) => {
  page(context);
  keepSessionKey("the-key");
  const sent = [];
  provide(context, "fetch", async (url, { headers }) => {
    sent.push([url, headers["Session-Key"], headers.Accept]);
    return new Response("");
  });
  await request("/api/domains", { headers: { Accept: "application/json" } });
  await readEvents("/api/events", new AbortController().signal, () => {});
  await request("http://localhost:9090/api/domains");
  assert.deepEqual(sent, [
    ["/api/domains", "the-key", "application/json"],
    ["/api/events", "the-key", "text/event-stream"],
    ["http://localhost:9090/api/domains", undefined, undefined],
  ]);
});
