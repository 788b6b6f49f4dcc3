// @ts-check
/** The console page: puts the session, the guest's screens, the bars and the notices together. */

import { DomainEvents } from "../core/domains.js";
import { Later, streams } from "../core/later.js";
import { SideButtons, takesSideButtons } from "../core/input/side-buttons.js";
import { Session } from "../core/session.js";
import { forgetSessionKey, linkOfPage } from "../core/session-key.js";
import { at } from "../core/site.js";
import { element, signIn } from "./elements.js";
import { publish } from "./handle.js";
import { ViewerConsoles } from "./viewer-consoles.js";
import { Keybar } from "./keybar.js";
import { Notice } from "./notice.js";
import { keepConsoleCount, consoleCount } from "./console-counts.js";
import { canOpen, lacks, situation } from "./situation.js";
import { Stats } from "./stats.js";
import { Toolbar } from "./toolbar.js";
import { offerTransports, transportChoice } from "./transport-choice.js";
import { visible } from "./words.js";
import { WindowSize } from "./window-size.js";

/** @typedef {import("../core/protocol.js").DisplayMessage} DisplayMessage */

// As libvirt writes it, however the address does.
const uuid = decodeURIComponent(location.pathname.split("/").pop() ?? "").toLowerCase();
const consoleIndex = Number(new URLSearchParams(location.search).get("console")) || 0;

const caps = element("caps", HTMLElement);
const pausedBadge = element("paused", HTMLElement);
const viewOnlyBadge = element("view-only", HTMLElement);

let paused = false;
/** @type {import("../core/domains.js").DomainList | null} */
let list = null;
/** @type {import("../core/domains.js").Domain | null} */
let domain = null;
/** The worker that the present connection was made with, as far as the list told. @type {number | null} */
let worker = null;
/** A share link opened this page: there is no list to go back to, and no way to sign in again. */
const shared = linkOfPage() !== "";
/** The list could not be followed since it came last: the server may have been started again. */
let away = false;
/** The session has ended, as the list's stream told. */
let over = false;

const session = new Session(
  {
    index: consoleIndex,
    console: at(`api/domains/${encodeURIComponent(uuid)}/consoles/${consoleIndex}`),
    config: at("webrtc-config"),
    sections: () => consoleCount(uuid),
  },
  transportChoice(),
  {
    state: () => {
      if (session.state === "connecting") worker = domain?.worker_pid ?? null;
      if (session.state === "connected") consoles.opened();
      render();
    },
    beginning: () => consoles.begin(),
    message: receive,
    ending: () => {
      consoles.end();
      // The next connection is asked anew, also where one takes over from another.
      stats.connected = false;
      paused = false;
    },
    idle: () => consoles.idle,
  },
);

const consoles = new ViewerConsoles(consoleIndex, session, {
  changed: () => render(),
  activated: () => {
    keybar.unstick();
    stats.viewerConsole = consoles.active;
    render();
  },
  leave: () => {
    toolbar.focus();
    notice.hint("The keyboard is the browser’s again. Click the picture to give it back.");
  },
  pressed: () => keybar.unstick(),
  captured: () => notice.hint(`The pointer is the guest’s. ${toolbar.keysPass ? "Hold Esc to set it free" : "Esc sets it free"}.`),
  stats: () => stats.toggle(),
  hint: (text) => notice.hint(text),
  withdraw: (text) => notice.withdraw(text),
});
const toGuest = () => consoles.active.focus();

const notice = new Notice(() => session.connect());
const stats = new Stats(session, consoles.active, toGuest);
const keybar = new Keybar(() => consoles.active.input, toGuest);
const windowSize = new WindowSize(consoles, { hint: (text) => notice.hint(text), done: toGuest });
if (shared) document.documentElement.classList.add("shared");
else element("share-toggle", HTMLButtonElement).addEventListener("click", () => void share());
const toolbar = new Toolbar({
  scale: (scaling) => {
    consoles.scaling = scaling;
  },
  hint: (text) => notice.hint(text),
  ctrlAltDel: () => consoles.active.input.chord("ControlLeft", "AltLeft", "Delete"),
  done: toGuest,
});

/** @type {Later<typeof import("./share-panel.js")>} */
const sharing = new Later("./share-panel.js", import.meta.url);
/** @type {import("./share-panel.js").SharePanel | null} */
let sharePanel = null;

async function share() {
  try {
    const { SharePanel } = await sharing.load();
    sharePanel ??= new SharePanel(uuid, toGuest);
    sharePanel.toggle();
  } catch (error) {
    notice.hint(error instanceof Error ? error.message : String(error));
  }
}

/** @param {DisplayMessage} message @param {number | null} index the console's, as the session tells it */
function receive(message, index) {
  if (message.type === "consoles") {
    keepConsoleCount(uuid, message.consoles.length);
    if (consoleCount(uuid) > session.sections) {
      // This browser had not seen the domain before, and offered too few sections.
      session.connect();
      return;
    }
  }
  const viewerConsole = consoles.receive(message, index);
  if (message.type === "state" && index === null) {
    paused = message.paused;
    render();
  } else if (message.type === "stats" && viewerConsole === consoles.active) stats.receive(message);
  else if (message.type === "resized") windowSize.answered(message.taken);
}

function render() {
  const now = current();
  if (now.state === "signed-out" && !shared) signIn();
  const connected = now.state === "connected";
  notice.show(now, session.retryAt);
  toolbar.connected = connected;
  if (connected && consoles.first.display.showing) {
    streams.ahead();
    if (!shared) sharing.ahead();
  }
  stats.connected = connected;
  const { viewOnly } = consoles.first;
  for (const part of [toolbar, keybar, windowSize]) part.allowed = !viewOnly;
  viewOnlyBadge.hidden = !viewOnly;
  windowSize.connected = connected;
  windowSize.update();
  pausedBadge.hidden = !(connected && paused);
  caps.hidden = !(connected && consoles.active.capsLock);
  for (const viewerConsole of consoles.present) viewerConsole.render(connected, consoles.several);
}

function current() {
  const { state, message } = session;
  const { first, several } = consoles;
  // With several consoles each says its own state on its own part of the page.
  const { enabled, problem, viewOnly } = first;
  const own = several
    ? { showing: true, enabled: true, problem: "" }
    : { showing: first.display.showing, enabled, problem };
  const facts = { message, list, domain, index: consoleIndex, paused, viewOnly, shared, ...own };
  return situation({ session: over ? "signed-out" : state, ...facts });
}

/** @param {import("../core/domains.js").DomainList} news */
function listed(news) {
  const could = canOpen(list, domain, consoleIndex);
  list = news;
  domain = news.domains.find((one) => one.uuid === uuid) ?? null;
  if (domain) {
    keepConsoleCount(uuid, domain.consoles.length);
    element("name", HTMLElement).textContent = document.title = visible(domain.name);
  }
  const can = canOpen(list, domain, consoleIndex);
  const pid = domain?.worker_pid ?? null;
  // A connection goes on without the console that it began with: it has the others.
  const others = session.state === "connected" && lacks(domain, consoleIndex);
  if (can === false && !others) session.hold();
  else if (session.state === "held" || session.state === "problem") session.connect();
  else if (can && (could === false || away) && session.state === "waiting") session.connect();
  else if (session.state === "connected" && worker !== null && pid !== null && pid !== worker) session.connect();
  else if (session.state === "connected" && domain && consoles.first.role && domain.role !== consoles.first.role) session.connect();
  away = false;
  render();
}

const events = new DomainEvents({
  list: listed,
  state: (state) => {
    if (state === "reconnecting") away = true;
    if (state === "signed-out") signedOut();
  },
});

function signedOut() {
  if (!shared) {
    signIn();
    return;
  }
  forgetSessionKey(linkOfPage());
  over = true;
  session.hold();
  render();
}

/** The network is back, or somebody looks at the page again: try now, and not when the wait is over. */
function hurry() {
  if (!document.hidden && session.state === "waiting") session.connect();
}

if (takesSideButtons()) new SideButtons((button) => consoles.click(button));

/** The network has changed. */
function renetworked() {
  hurry();
  session.improve();
}

window.addEventListener("online", renetworked);
/** @type {{connection?: EventTarget}} */ (navigator).connection?.addEventListener("change", renetworked);
document.addEventListener("visibilitychange", hurry);
window.addEventListener("pagehide", () => {
  events.close();
  session.hold();
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  events.open();
  session.connect();
});

offerTransports(session, toGuest);
publish({ session, consoles, stats, state: () => current().state });
session.connect();
events.open();
toGuest();
