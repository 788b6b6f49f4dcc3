// The session's key goes to this origin, and nowhere else.
import assert from "node:assert/strict";
import { test } from "node:test";

import { forgetSessionKey, keepSessionKey, sessionHeaders } from "../../../../web/core/session-key.js";
import { provide } from "../support.js";

test("the key is a header of requests to this origin until it is forgotten", (context) => {
  const kept = new Map();
  provide(context, "localStorage", {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
    removeItem: (name) => kept.delete(name),
  });
  provide(context, "location", { origin: "http://localhost:8080" });
  provide(context, "document", { baseURI: "http://localhost:8080/console/x" });
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
