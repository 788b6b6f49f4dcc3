// @ts-check
/** The list page: every domain, live. */

import { DomainEvents } from "../core/domains.js";
import { request } from "../core/request.js";
import { forgetSessionKey } from "../core/session-key.js";
import { at } from "../core/site.js";
import { askFirst } from "./ask-first.js";
import { AttachDialog } from "./attach.js";
import { element, signIn } from "./elements.js";
import { warnIfInsecure } from "./insecure.js";
import { inOrder } from "./order.js";
import { Row } from "./row.js";
import { keepConsoleCount } from "./console-counts.js";
import { sentence, visible } from "./words.js";

/** The filter is shown from this many domains on. */
const FILTER_FROM = 9;

warnIfInsecure();

const attachDialog = new AttachDialog();

const LIVE_WORDS = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  "held-back": "Not live",
  "signed-out": "Signed out",
};

const rows = element("domains", HTMLUListElement);
const filter = element("filter", HTMLInputElement);
const tools = element("tools", HTMLElement);
const problem = element("problem", HTMLElement);
const empty = element("empty", HTMLElement);
const who = element("who", HTMLElement);

/** @typedef {import("../core/domains.js").DomainList} DomainList */

/** @type {Map<string, Row>} */
const shown = new Map();
/** @type {DomainList | null} */
let list = null;

function render() {
  if (!list) return;
  const { domains, libvirt, user } = list;
  who.hidden = user.method === "token";
  who.textContent = visible(user.name);
  problem.hidden = libvirt.connected;
  problem.textContent = libvirt.connected
    ? ""
    : `libvirt cannot be reached; consoles that are open go on. ${sentence(libvirt.problem)}`.trim();
  tools.hidden = domains.length < FILTER_FROM && !filter.value;
  const wanted = inOrder(domains, filter.value);
  element("count", HTMLElement).textContent =
    wanted.length === domains.length ? `${domains.length} domains` : `${wanted.length} of ${domains.length}`;
  place(wanted);
  explain(wanted.length);
}

/** @param {import("../core/domains.js").Domain[]} wanted */
function place(wanted) {
  const uuids = new Set(wanted.map(({ uuid }) => uuid));
  for (const [uuid, row] of shown) {
    if (uuids.has(uuid)) continue;
    row.element.remove();
    shown.delete(uuid);
  }
  wanted.forEach((domain, index) => {
    const row = shown.get(domain.uuid) ?? new Row((asked) => attachDialog.open(asked));
    shown.set(domain.uuid, row);
    row.show(domain);
    // Rows in the right place are not touched: moving one would take the focus away from it.
    if (rows.children[index] !== row.element) rows.insertBefore(row.element, rows.children[index] ?? null);
  });
}

/** @param {number} count how many rows there are */
function explain(count) {
  empty.hidden = count > 0 || !list?.libvirt.connected;
  const none = list?.domains.length === 0;
  // Whoever came by the server's token sees all there are.
  const all = list?.user.method === "token";
  element("empty-title", HTMLElement).textContent = !none ? "No domain has that in its name" : all ? "No domains yet" : "Nothing is shared with you";
  element("empty-text", HTMLElement).textContent = !none
    ? ""
    : all
      ? `libvirt at ${list?.libvirt.uri} has none. Domains appear here as soon as it does. To give one a console, run this on the host, then start it:`
      : `You are signed in as ${visible(list?.user.name ?? "")}, who has no access to any domain here. Whoever runs this server gives it, by [[access]] in its settings; domains then appear here by themselves.`;
  element("empty-command", HTMLElement).hidden = !none || !all;
}

const events = new DomainEvents({
  list: (news) => {
    list = news;
    for (const { uuid, consoles } of news.domains) keepConsoleCount(uuid, consoles.length);
    render();
  },
  state: (state) => {
    element("live-text", HTMLElement).textContent = LIVE_WORDS[state];
    element("live", HTMLElement).dataset.tone = state === "live" ? "good" : "busy";
    rows.classList.toggle("stale", state !== "live" && state !== "held-back");
    element("held-back", HTMLElement).hidden = state !== "held-back";
    if (state === "signed-out") signIn();
  },
});

filter.addEventListener("input", render);
element("sign-out", HTMLButtonElement).addEventListener("click", async () => {
  // The session's end ends its streams, which would send this page to sign in again.
  events.close();
  const reply = await request(at("api/session"), { method: "DELETE" }).catch(() => null);
  if (reply?.ok || reply?.status === 401) {
    forgetSessionKey();
    askFirst();
    // Who signed in elsewhere signs out there as well, and is sent back.
    location.assign(reply.status === 200 ? JSON.parse(reply.text).location : at("login"));
    return;
  }
  events.open();
  element("live-text", HTMLElement).textContent = "Signing out failed";
});
window.addEventListener("pagehide", () => events.close());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) events.open();
});
events.open();
