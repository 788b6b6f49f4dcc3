// @ts-check
/** Which way a connection's packets take, and which others were tried: from the browser's statistics. Pure. */

/**
 * @typedef {object} End of a way
 * @property {string} type host, srflx, prflx or relay, as ICE names it
 * @property {string} address empty where the browser hides it
 * @property {number} port
 * @property {string} protocol udp or tcp
 * @property {string} relayProtocol between this browser and its relay: udp, tcp or tls; empty where there is none
 */
/**
 * @typedef {object} Pair
 * @property {End} local
 * @property {End} remote
 * @property {string} state as ICE names it
 * @property {boolean} sent checks were sent
 * @property {boolean} answered one of them was answered
 * @property {boolean} heard a check of the server’s arrived
 */
/**
 * @typedef {object} Path
 * @property {Pair | null} chosen what the packets take; null before there is one
 * @property {Pair[]} others
 * @property {End[]} local all of this browser’s
 * @property {End[]} remote all of the server’s
 */

/** @param {any} candidate @returns {End} */
function end(candidate) {
  return {
    type: candidate?.candidateType ?? "",
    address: candidate?.address ?? candidate?.ip ?? "",
    port: candidate?.port ?? 0,
    protocol: (candidate?.protocol ?? "").toLowerCase(),
    relayProtocol: (candidate?.relayProtocol ?? "").toLowerCase(),
  };
}

/**
 * @param {RTCStatsReport | Map<string, any>} report
 * @returns {Path}
 */
export function readPath(report) {
  /** @type {any[]} */
  const entries = [...report.values()];
  const of = (/** @type {string} */ type) => entries.filter((entry) => entry.type === type);
  const found = of("candidate-pair");
  // Firefox has no transport that tells; it marks the pair.
  const told = of("transport").find((entry) => entry.selectedCandidatePairId)?.selectedCandidatePairId;
  const chosen = found.find((pair) => pair.id === told) ?? found.find((pair) => pair.selected ?? (pair.nominated && pair.state === "succeeded"));
  const ends = (/** @type {string} */ type) => of(type).map(end);
  const pair = (/** @type {any} */ one) => ({
    local: end(report.get(one.localCandidateId)),
    remote: end(report.get(one.remoteCandidateId)),
    state: one.state,
    sent: (one.requestsSent ?? 1) > 0,
    answered: (one.responsesReceived ?? 0) > 0 || one.state === "succeeded",
    heard: (one.requestsReceived ?? 0) > 0,
  });
  return {
    chosen: chosen ? pair(chosen) : null,
    others: found.filter((one) => one !== chosen).map(pair),
    local: ends("local-candidate"),
    remote: ends("remote-candidate"),
  };
}

/** @param {End} one @returns {string} what kind of IP; empty where the address is hidden */
function family({ address }) {
  if (!address || address.endsWith(".local")) return "";
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** @param {End} one @returns {string} */
function place({ address, port }) {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** @param {End} one @returns {boolean} whether it is an address that others than the server’s own machine can reach */
function isElsewhere({ address }) {
  return address !== "" && address !== "127.0.0.1" && address !== "::1";
}

/**
 * @param {Pair} pair
 * @returns {string} the way in words: "direct, UDP over IPv4"
 */
function way({ local, remote }) {
  const ip = family(remote) || family(local);
  if (local.type === "relay") {
    const kind = (local.relayProtocol || local.protocol || "udp").toUpperCase();
    return `relay, ${kind} to it${remote.type === "relay" ? ", and the server’s own relay" : ""}${ip && `, ${ip}`}`;
  }
  const kind = (remote.protocol || local.protocol || "udp").toUpperCase();
  return `${remote.type === "relay" ? "the server’s relay" : "direct"}, ${kind}${ip && ` over ${ip}`}`;
}

/** @type {Record<string, string>} */
const OURS = {
  host: "its own addresses",
  srflx: "what its router makes of them",
  prflx: "what its router makes of them",
};

/** @param {Pair} pair @returns {string} why packets do not take it */
function whyNot({ state, sent, answered }) {
  if (answered) return "would do as well";
  if (state === "failed") return "no answer";
  return sent ? "not answered before" : "not tried";
}

/**
 * @param {Path} path
 * @returns {string} what the packets take; empty where nothing is known
 */
export function chosenWords({ chosen }) {
  return chosen ? `WebRTC: ${way(chosen)}` : "";
}

/**
 * @param {Path} path
 * @returns {string} the ends of the way, and why it is no other one
 */
export function otherWords({ chosen, others }) {
  if (!chosen) return "";
  const rest = others
    .filter(({ remote }) => isElsewhere(remote))
    .map((pair) => `${place(pair.remote)}${pair.local.type === "relay" ? " by the relay" : ""} (${whyNot(pair)})`);
  return [`To the server’s ${place(chosen.remote)}`, ...(rest.length ? [`not taken: ${listed(rest)}`] : [])].join("; ");
}

/** @param {string[]} parts @returns {string} */
function listed(parts) {
  const unique = [...new Set(parts.filter(Boolean))];
  return unique.length < 2 ? unique.join("") : `${unique.slice(0, -1).join(", ")} and ${unique.at(-1)}`;
}

/**
 * Say what was tried, and what came of it.
 * @param {Path} path of a connection that did not come about
 * @param {boolean} relays there are TURN servers in the configuration
 * @returns {string} sentences
 */
export function failureWords({ chosen, others, local, remote }, relays) {
  if (chosen?.answered) {
    return `A way was found (${way(chosen)}, to ${place(chosen.remote)}), but the encrypted connection over it did not come about.`;
  }
  const pairs = chosen ? [chosen, ...others] : others;
  const from = listed(
    local.map(({ type, relayProtocol, protocol }) =>
      type === "relay" ? `a relay (${(relayProtocol || protocol).toUpperCase()})` : (OURS[type] ?? ""),
    ),
  );
  const to = listed(
    remote
      .filter((one) => isElsewhere(one) && one.type !== "prflx")
      .map((one) => `${place(one)}${one.type === "relay" ? " (a relay)" : ""}`),
  );
  if (!from) return "This browser found no address of its own to connect from.";
  if (!to) return "The server named no address that can be reached from elsewhere.";
  const heard = pairs.some((pair) => pair.heard);
  const outcome = heard ? "the server’s packets arrive here, but ours not there" : "no answer";
  const relay = local.some(({ type }) => type === "relay");
  const missing = relays ? "No TURN server gave this browser a relay." : "No TURN server is configured.";
  return `This browser tried from ${from} to the server’s ${to}: ${outcome}. A firewall in between may stop UDP.${relay ? "" : ` ${missing}`}`;
}
