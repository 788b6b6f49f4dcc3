// The portal's folder is known by where its modules come from.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { at } from "../../../../web/core/site.js";

const source = await readFile(new URL("../../../../web/core/site.js", import.meta.url), "utf8");

/** The module as it would be at an address. */
async function served(url) {
  const code = source.replace("import.meta.url", JSON.stringify(url));
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

test("everything is below the folder that the modules come from", async () => {
  for (const [url, home] of [
    ["http://localhost:8080/static/0123abcd/core/site.js", "/"],
    ["http://localhost:8080/static/core/site.js", "/"],
    ["https://vm.example.org/console/static/0123abcd/core/site.js", "/console/"],
    ["https://vm.example.org/static/vm/static/0123abcd/core/site.js", "/static/vm/"],
  ]) {
    const site = await served(url);
    assert.equal(site.HOME, home, url);
    assert.equal(site.at("api/events"), `${home}api/events`);
  }
  assert.equal(at("login"), "/login");
});
