import assert from "node:assert/strict";
import { test } from "node:test";

import { inOrder } from "../../../../web/app/order.js";

const domain = (name, state, console = "none") => ({ uuid: name, name, state, console: { state: console } });
const names = (domains, filter = "") => inOrder(domains, filter).map(({ name }) => name);

test("what people look for comes first", () => {
  const domains = [
    domain("off", "shutoff"),
    domain("crashed", "crashed"),
    domain("paused", "paused"),
    domain("unheard-of", "hibernated"),
    domain("running", "running"),
    domain("attaching", "shutoff", "attaching"),
  ];
  assert.deepEqual(names(domains), ["attaching", "running", "paused", "crashed", "off", "unheard-of"]);
});

test("names are in a person's order, and the same ones keep theirs", () => {
  const domains = ["guest-10", "Guest-2", "guest-1"].map((name) => domain(name, "running"));
  assert.deepEqual(names(domains), ["guest-1", "Guest-2", "guest-10"]);
  const twins = ["b", "a"].map((uuid) => ({ ...domain("twin", "running"), uuid }));
  assert.deepEqual(inOrder(twins, "").map(({ uuid }) => uuid), ["a", "b"]);
});

test("a filter is a part of the name, in any case", () => {
  const domains = ["web-1", "web-2", "db"].map((name) => domain(name, "running"));
  assert.deepEqual(names(domains, " WEB "), ["web-1", "web-2"]);
});
