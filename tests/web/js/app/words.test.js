import assert from "node:assert/strict";
import { test } from "node:test";

import { isAlive, nameOf, onDomain, reducedWords, sentence, stateWords, visible, whyNot } from "../../../../web/app/words.js";

const domain = (state, console = "none", reason = null) => ({ state, console: { state: console, reason } });

test("reasons become sentences", () => {
  for (const [reason, text] of [
    ["no D-Bus display", "No D-Bus display."],
    ["It ended!", "It ended!"],
    ["(three times)", "(three times)"],
    ["  ", ""],
    [null, ""],
  ]) {
    assert.equal(sentence(reason), text);
  }
});

test("a name's unseen characters are seen, and its direction is its own", () => {
  assert.equal(visible("gpj\u202eexe"), "gpj\\u202eexe");
  assert.equal(visible("a\u0007\u200b\u2066b"), "a\\u0007\\u200b\\u2066b");
  assert.equal(visible("שלום 東京 ä-1"), "שלום 東京 ä-1");
  assert.equal(nameOf({ name: "שלום" }), "\u2068שלום\u2069");
  assert.equal(nameOf({ name: "web 1" }), "web 1");
});

test("a command that is shown can be copied into a shell", () => {
  for (const [name, words] of [
    ["web-1", "web-1"],
    ["a b", "'a b'"],
    ["$HOME", "'$HOME'"],
    ["it's", `'it'"'"'s'`],
    ["-rf", "-- -rf"],
    ["- x", "-- '- x'"],
    ["東京", "'東京'"],
  ]) {
    assert.equal(onDomain("virsh reset", { name }), `virsh reset ${words}`);
  }
});

test("states are in words, and one that is new keeps libvirt's", () => {
  assert.equal(stateWords(domain("shutoff")), "Shut off");
  assert.equal(stateWords(domain("hibernated")), "hibernated");
  assert.equal(stateWords(domain("shutoff", "attaching")), "Being given its console");
});

test("a domain without a console says why, where it could have one", () => {
  assert.equal(whyNot(domain("running", "ready")), "");
  assert.equal(whyNot(domain("running", "starting")), "The console is starting.");
  assert.equal(whyNot(domain("running", "failed", "no bus")), "No bus. It is tried again.");
  assert.equal(whyNot(domain("running", "none")), "This domain has no console.");
  assert.equal(whyNot(domain("shutoff", "none", "not running")), "");
});

test("a guest that is being given its console is alive in whatever state", () => {
  const alive = [["shutoff", "none"], ["shutoff", "attaching"], ["paused", "none"], ["crashed", "none"]];
  assert.deepEqual(alive.map(([state, console]) => isAlive(domain(state, console))), [false, true, true, false]);
});

test("a picture that is reduced is said to be, with its size", () => {
  const size = { width: 8192, height: 8192 };
  assert.equal(
    reducedWords(size, 2),
    "This screen’s 8192 × 8192 pixels are more than this browser shows as video: you see half the width and height.",
  );
  assert.match(reducedWords(size, 4), /a quarter of the width/);
  assert.deepEqual([reducedWords(size, 1), reducedWords(null, 2)], ["", ""]);
});
