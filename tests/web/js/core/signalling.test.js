import assert from "node:assert/strict";
import { test } from "node:test";

import { fetchConfig, postOffer, SignallingError } from "../../../../web/core/signalling.js";
import { provide } from "../support.js";

const { signal } = new AbortController();

/** Have fetch() answer so. */
function answering(context, status, body, headers = {}) {
  provide(context, "fetch", async () => new Response(body, { status, headers }));
}

test("the ICE configuration has what WebRTC needs, whatever is left out", async (context) => {
  answering(context, 200, '{"iceTransportPolicy": "relay"}');
  assert.deepEqual(await fetchConfig("/c", signal), { iceServers: [], iceTransportPolicy: "relay", problem: null });
  answering(context, 200, "<html>a hotel's page</html>");
  await assert.rejects(fetchConfig("/c", signal), { kind: "unreachable" });
});

test("an answer comes with where to end it", async (context) => {
  answering(context, 201, "v=0", { Location: "/whep/1" });
  provide(context, "document", { baseURI: "http://localhost/console/x" });
  assert.deepEqual(await postOffer("/whep", "v=0", signal), { answer: "v=0", location: "http://localhost/whep/1" });
});

test("a refusal has the portal's words, and waits no longer than is sensible", async (context) => {
  answering(context, 400, '{"message": "check the TURN server"}', { "Retry-After": "2" });
  await assert.rejects(postOffer("/whep", "v=0", signal), (error) => {
    assert.ok(error instanceof SignallingError);
    assert.deepEqual([error.kind, error.message, error.retryAfterMs], ["refused", "check the TURN server", 2000]);
    return true;
  });
  answering(context, 503, "", { "Retry-After": "3600" });
  await assert.rejects(postOffer("/whep", "v=0", signal), { kind: "refused", retryAfterMs: 5000 });
  answering(context, 401, "");
  await assert.rejects(postOffer("/whep", "v=0", signal), { kind: "signed-out" });
});

test("no answer is unreachable", async (context) => {
  provide(context, "fetch", async () => {
    throw new TypeError("network");
  });
  await assert.rejects(fetchConfig("/c", signal), { kind: "unreachable" });
});
