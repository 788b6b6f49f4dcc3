import assert from "node:assert/strict";
import { test } from "node:test";

import { nextPath, refusalWords } from "../../../../web/app/signin.js";

const ORIGIN = "http://localhost:8080";

test("only pages of the portal are gone to", () => {
  for (const home of ["/", "/vm/consoles/"]) {
    for (const [wanted, path] of [
      ["console/1?console=2#x", "console/1?console=2#x"],
      [`${home}console/1`, "console/1"],
      ["//evil.example/", ""],
      ["/\\evil.example/", ""],
      [".//evil.example", home === "/" ? "" : "/evil.example"],
      ["https://evil.example/", ""],
      ["javascript:alert(1)", ""],
      ["login", ""],
      ["http://[", ""],
      ["?filter=a", "?filter=a"],
      ["", ""],
      [null, ""],
    ]) {
      assert.equal(nextPath(wanted, ORIGIN, home), home + path, `${wanted} at ${home}`);
    }
  }
  for (const wanted of ["/console/1", "../console/1", "/"]) assert.equal(nextPath(wanted, ORIGIN, "/vm/"), "/vm/", wanted);
});

test("a refusal is told in words", () => {
  assert.equal(refusalWords(401, "wrong_token", "whatever"), "That token is not right.");
  assert.equal(refusalWords(401, "wrong_password", "whatever"), "That user name and password are not right.");
  assert.equal(refusalWords(429, "too_many_failures", "answers are slow now"), "Answers are slow now.");
  assert.equal(refusalWords(401, "code_needed", "whatever"), "");
  assert.equal(refusalWords(502, "", ""), "The server answered with status 502.");
});
