import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { messageOf, request, Unreachable } from "../../../../web/core/request.js";

/** A server whose answers `answer` gives; its address. */
async function serving(context, answer) {
  const server = createServer(answer);
  await new Promise((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/`;
}

test("an answer of any status comes with its body", async (context) => {
  const url = await serving(context, (_, response) => {
    response.writeHead(409, { "Retry-After": "3" }).end('{"error": "x", "message": "why not"}');
  });
  const reply = await request(url);
  assert.deepEqual([reply.ok, reply.status, reply.headers.get("Retry-After")], [false, 409, "3"]);
  assert.equal(messageOf(reply), "why not");
});

test("a server that does not answer is given up", async (context) => {
  const url = await serving(context, () => undefined);
  await assert.rejects(request(url, {}, 30), Unreachable);
});

test("an answer whose body does not end is given up", async (context) => {
  const url = await serving(context, (_, response) => {
    response.writeHead(200).write("half");
  });
  await assert.rejects(request(url, {}, 100), Unreachable);
});

test("a closed port is unreachable", async () => {
  await assert.rejects(request("http://127.0.0.1:1/"), Unreachable);
});

test("an aborted request says the caller's reason", async (context) => {
  const url = await serving(context, () => undefined);
  const life = new AbortController();
  const asked = request(url, { signal: life.signal });
  life.abort(new Error("left"));
  await assert.rejects(asked, /left/);
  await assert.rejects(request(url, { signal: life.signal }), /left/);
});

test("an error without words of the portal's has no message", () => {
  for (const text of ["", "<html>", "null", "[]", '{"message": 3}']) {
    assert.equal(messageOf({ text }), "", text);
  }
});
