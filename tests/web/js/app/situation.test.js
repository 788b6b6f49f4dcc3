// What the console page says, and when a console is worth trying.
import assert from "node:assert/strict";
import { test } from "node:test";

import { canOpen, situation } from "../../../../web/app/situation.js";

function domain({ name = "demo", state = "running", console = "ready", reason = null, consoles = [{ index: 0 }] } = {}) {
  return { name, state, console: { state: console, reason }, consoles };
}

function said(session, facts = {}) {
  const seen = { showing: true, enabled: true, problem: "", paused: false };
  return situation({ message: "", list: null, domain: null, index: 0, ...seen, session, ...facts });
}

test("a picture that is shown has no notice over it", () => {
  const { state, status, title } = said("connected");
  assert.deepEqual([state, status, title], ["connected", "Connected", ""]);
  assert.equal(said("connected", { paused: true }).status, "Paused");
  assert.match(said("connected", { enabled: false }).title, /off/);
  assert.match(said("connected", { showing: false }).title, /Waiting/);
});

test("who may only view is not told to press a key", () => {
  const suspended = { domain: domain({ state: "pmsuspended" }) };
  for (const facts of [{ enabled: false }, suspended]) {
    assert.match(said("connected", facts).text, /key or the mouse/);
    assert.doesNotMatch(said("connected", { ...facts, viewOnly: true }).text, /key or the mouse/);
  }
});

test("a picture that cannot be shown says why, before all else", () => {
  const { tone, title, text } = said("connected", { problem: "No fourcc.", enabled: false, showing: false });
  assert.deepEqual([tone, text], ["bad", "No fourcc."]);
  assert.match(title, /cannot be shown/);
});

test("a link that has ended says so, and who signed in is sent to sign in", () => {
  assert.equal(said("signed-out").title, "You are signed out");
  const { state, title, text, back } = said("signed-out", { shared: true });
  assert.deepEqual([state, title, back], ["signed-out", "The link to this console has ended", false]);
  assert.match(text, /revoked/);
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

test("a guest that sleeps or has crashed is not shown as merely connected", () => {
  const asleep = said("connected", { domain: domain({ state: "pmsuspended", name: "it's $1" }), enabled: false });
  assert.deepEqual([asleep.state, asleep.tone, asleep.status], ["connected", "busy", "Suspended"]);
  assert.equal(asleep.title, "it's $1 is suspended");
  assert.match(asleep.text, /key.*virsh dompmwakeup 'it'"'"'s \$1'$/);
  const dead = said("connected", { domain: domain({ state: "crashed", name: "-x" }) });
  assert.deepEqual([dead.tone, dead.status, dead.title], ["bad", "Crashed", "-x has crashed"]);
  assert.match(dead.text, /last one.*virsh reset -- -x$/);
  assert.equal(said("connected", { domain: domain() }).title, "");
});

test("a screen that the guest does not have is a state, with a way back, and not an attempt", () => {
  const one = domain({ consoles: [{ index: 0 }] });
  const missing = said("held", { domain: one, index: 7 });
  assert.deepEqual([missing.state, missing.busy, missing.back], ["stopped", false, true]);
  assert.match(`${missing.title} ${missing.text}`, /demo has no such screen.*console 7/);
  const none = said("held", { domain: domain({ console: "none", reason: "it has no screen: no <video>", consoles: [] }) });
  assert.deepEqual([none.text, none.back, none.busy], ["It has no screen: no <video>.", true, false]);
});

test("what the server says is a sentence in each card", () => {
  for (const session of ["waiting", "problem"]) {
    assert.equal(said(session, { message: "the worker ended" }).text, "The worker ended.");
  }
  assert.equal(said("connected", { problem: "no fourcc" }).text, "No fourcc.");
});

test("who is signed out is told so", () => {
  assert.equal(said("signed-out").state, "signed-out");
});

test("libvirt that cannot be reached is no reason to stop", () => {
  const [up, down] = [{ libvirt: { connected: true } }, { libvirt: { connected: false } }];
  const two = domain({ consoles: [{ index: 0 }, { index: 1 }] });
  for (const [list, one, expected, index = 0] of [
    [up, two, true, 1],
    [up, two, false, 2],
    [down, two, null, 2],
    [null, null, null],
    [up, null, false],
    [up, domain(), true],
    [up, domain({ console: "starting" }), false],
    [down, null, null],
    [down, domain(), true],
    [down, domain({ console: "none" }), null],
  ]) {
    assert.equal(canOpen(list, one, index), expected);
  }
});
