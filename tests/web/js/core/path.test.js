// Which way the packets take, which others were tried, and the words for both.
import assert from "node:assert/strict";
import { test } from "node:test";

import { chosenWords, failureWords, otherWords, readPath } from "../../../../web/core/path.js";

const local = (id, candidateType, more = {}) => ({ id, type: "local-candidate", candidateType, protocol: "udp", ...more });
const remote = (id, candidateType, address, port = 50000) => ({ id, type: "remote-candidate", candidateType, address, port, protocol: "udp" });
const pair = (id, localCandidateId, remoteCandidateId, state, more = {}) => ({ id, type: "candidate-pair", localCandidateId, remoteCandidateId, state, ...more });

const path = (...entries) => readPath(new Map(entries.map((entry) => [entry.id, entry])));

const HOST = local("host", "host", { address: "f00.local" });
const TLS = local("relay", "relay", { address: "198.51.100.1", relayProtocol: "tls" });
const SERVER4 = remote("four", "host", "192.0.2.1");
const SERVER6 = remote("six", "host", "2001:db8::1");

test("the pair is the transport's, or the one that the browser marks", () => {
  const two = [HOST, SERVER4, SERVER6, pair("a", "host", "four", "succeeded", { nominated: true }), pair("b", "host", "six", "succeeded", { nominated: true })];
  const chrome = path(...two, { id: "t", type: "transport", selectedCandidatePairId: "b" });
  assert.equal(chosenWords(chrome), "WebRTC: direct, UDP over IPv6");
  assert.equal(otherWords(chrome), "To the server’s [2001:db8::1]:50000; not taken: 192.0.2.1:50000 (would do as well)");
  two[3] = { ...two[3], selected: true };
  two[4] = { ...two[4], selected: false };
  assert.equal(chosenWords(path(...two)), "WebRTC: direct, UDP over IPv4");
});

test("a relay is told with how it is reached, and why the direct way was not taken", () => {
  const told = path(
    ...[HOST, TLS, SERVER4, SERVER6],
    pair("a", "relay", "four", "succeeded", { nominated: true }),
    pair("b", "host", "four", "failed", { requestsSent: 5 }),
    pair("c", "host", "six", "in-progress", { requestsSent: 2 }),
    pair("d", "relay", "six", "waiting", { requestsSent: 0 }),
  );
  assert.equal(chosenWords(told), "WebRTC: relay, TLS to it, IPv4");
  assert.equal(
    otherWords(told),
    "To the server’s 192.0.2.1:50000; not taken: 192.0.2.1:50000 (no answer), " +
      "[2001:db8::1]:50000 (not answered before) and [2001:db8::1]:50000 by the relay (not tried)",
  );
});

test("the server's relay is told too", () => {
  const relays = path(TLS, remote("r", "relay", "203.0.113.9"), pair("a", "relay", "r", "succeeded", { nominated: true }));
  assert.equal(chosenWords(relays), "WebRTC: relay, TLS to it, and the server’s own relay, IPv4");
  const one = path(HOST, remote("r", "relay", "203.0.113.9"), pair("a", "host", "r", "succeeded", { nominated: true }));
  assert.equal(chosenWords(one), "WebRTC: the server’s relay, UDP over IPv4");
});

test("before there is a pair there are no words", () => {
  assert.deepEqual([chosenWords(path(HOST)), otherWords(path(HOST))], ["", ""]);
});

test("a failure says what was tried, and what is missing", () => {
  const silent = path(HOST, SERVER4, SERVER6, pair("a", "host", "four", "failed"), pair("b", "host", "six", "failed"));
  assert.equal(
    failureWords(silent, false),
    "This browser tried from its own addresses to the server’s 192.0.2.1:50000 and [2001:db8::1]:50000: no answer. " +
      "A firewall in between may stop UDP. No TURN server is configured.",
  );
  assert.match(failureWords(silent, true), /No TURN server gave this browser a relay\.$/);
  const relayed = path(HOST, local("s", "srflx"), TLS, SERVER4, pair("a", "relay", "four", "failed"));
  assert.match(failureWords(relayed, true), /^This browser tried from its own addresses, what its router makes of them and a relay \(TLS\) to/);
  assert.match(failureWords(relayed, true), /may stop UDP\.$/);
});

test("packets that come one way only are told as that", () => {
  const oneWay = path(HOST, SERVER4, pair("a", "host", "four", "in-progress", { requestsReceived: 3 }));
  assert.match(failureWords(oneWay, false), /the server’s packets arrive here, but ours not there/);
});

test("a server's own loopback address is nobody's business elsewhere", () => {
  const loopback = remote("own", "host", "127.0.0.1");
  assert.doesNotMatch(failureWords(path(HOST, SERVER4, loopback, pair("a", "host", "four", "failed")), false), /127/);
  const taken = path(HOST, SERVER4, loopback, pair("a", "host", "four", "succeeded", { nominated: true }), pair("b", "host", "own", "failed"));
  assert.equal(otherWords(taken), "To the server’s 192.0.2.1:50000");
});

test("where one side has no address that is said", () => {
  assert.equal(failureWords(path(SERVER4), false), "This browser found no address of its own to connect from.");
  assert.equal(failureWords(path(HOST), false), "The server named no address that can be reached from elsewhere.");
});

test("a way without a connection over it is not a firewall's fault", () => {
  const told = failureWords(path(HOST, SERVER4, pair("a", "host", "four", "succeeded", { nominated: true })), false);
  assert.match(told, /^A way was found \(direct, UDP over IPv4, to 192\.0\.2\.1:50000\)/);
});
