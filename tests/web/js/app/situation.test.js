// What the console page says, and when a console is worth trying.
import assert from "node:assert/strict";
import { test } from "node:test";

import { canOpen, situation } from "../../../../web/app/situation.js";

function domain({ state = "running", console = "ready", reason = null } = {}) {
  return { name: "demo", state, console: { state: console, reason }, consoles: [] };
}

function said(session, facts = {}) {
  const known = { message: "", list: null, domain: null, showing: true, enabled: true, problem: "", paused: false };
  return situation({ ...known, session, ...facts });
}

test("a picture that is shown has no notice over it", () => {
  const { state, status, title } = said("connected");
  assert.deepEqual([state, status, title], ["connected", "Connected", ""]);
  assert.equal(said("connected", { paused: true }).status, "Paused");
  assert.match(said("connected", { enabled: false }).title, /off/);
  assert.match(said("connected", { showing: false }).title, /Waiting/);
});

test("a picture that cannot be shown says why, before all else", () => {
  const { tone, title, text } = said("connected", { problem: "No fourcc.", enabled: false, showing: false });
  assert.deepEqual([tone, text], ["bad", "No fourcc."]);
  assert.match(title, /cannot be shown/);
});

test("attempts after a failure are one notice", () => {
  assert.equal(said("connecting").state, "connecting");
  const waiting = said("waiting", { message: "It broke." });
  assert.deepEqual(waiting, said("connecting", { message: "It broke." }));
  assert.deepEqual([waiting.state, waiting.text, waiting.retry], ["reconnecting", "It broke.", true]);
});

test("the operator's problem is shown", () => {
  const { state, text } = said("problem", { message: "TURN_HOST is a placeholder." });
  assert.deepEqual([state, text], ["problem", "TURN_HOST is a placeholder."]);
});

test("a stopped console says why", () => {
  const held = (facts) => said("held", { domain: domain(facts) });
  assert.match(held({ state: "shutoff", console: "none", reason: "not running" }).title, /demo is shut off/);
  assert.match(held({ state: "crashed", console: "none" }).title, /demo has crashed/);
  assert.equal(held({ console: "none", reason: "no D-Bus display" }).text, "No D-Bus display.");
  assert.match(held({ console: "failed", reason: "the worker ended" }).text, /^The worker ended\./);
  const attaching = held({ state: "shutoff", console: "attaching", reason: "saving, 42 %" });
  assert.deepEqual([attaching.text, attaching.busy], ["Saving, 42 %.", true]);
  assert.match(said("held").title, /no such domain/);
});

test("who is signed out is told so", () => {
  assert.equal(said("signed-out").state, "signed-out");
});

test("libvirt that cannot be reached is no reason to stop", () => {
  const [up, down] = [{ libvirt: { connected: true } }, { libvirt: { connected: false } }];
  for (const [list, one, expected] of [
    [null, null, null],
    [up, null, false],
    [up, domain(), true],
    [up, domain({ console: "starting" }), false],
    [down, null, null],
    [down, domain(), true],
    [down, domain({ console: "none" }), null],
  ]) {
    assert.equal(canOpen(list, one), expected);
  }
});
