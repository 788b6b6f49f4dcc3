// @ts-check
/** The console page: puts the session, the picture, the pointer and the keys together. */

import { Cursor } from "../core/cursor.js";
import { Display } from "../core/display.js";
import { DomainEvents } from "../core/domains.js";
import { Input } from "../core/input/input.js";
import { Session } from "../core/session.js";
import { element, signIn } from "./elements.js";
import { publish } from "./handle.js";
import { Keybar } from "./keybar.js";
import { Notice } from "./notice.js";
import { canOpen, situation } from "./situation.js";
import { Stats } from "./stats.js";
import { Toolbar } from "./toolbar.js";

/** @typedef {import("../core/protocol.js").DisplayMessage} DisplayMessage */

const uuid = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const consoleIndex = Number(new URLSearchParams(location.search).get("console")) || 0;

const stage = element("stage", HTMLElement);
const caps = element("caps", HTMLElement);
const pausedBadge = element("paused", HTMLElement);

/** What the guest's side told last. */
const guest = { enabled: true, paused: false, problem: "" };
/** @type {import("../core/domains.js").DomainList | null} */
let list = null;
/** @type {import("../core/domains.js").Domain | null} */
let domain = null;
/** The worker that the present connection was made with, as far as the list told. @type {number | null} */
let worker = null;

const display = new Display(
  {
    stage,
    screen: element("screen", HTMLElement),
    video: element("video", HTMLVideoElement),
    still: element("still", HTMLCanvasElement),
  },
  () => {
    cursor.rescale(display.scale);
    render();
  },
);
const cursor = new Cursor(stage, element("pointer", HTMLCanvasElement));

const session = new Session(
  { whep: `/api/domains/${encodeURIComponent(uuid)}/consoles/${consoleIndex}/whep`, config: "/webrtc-config" },
  {
    state: () => {
      if (session.state === "connecting") worker = domain?.worker_pid ?? null;
      render();
    },
    stream: (stream) => display.attach(stream),
    message: receive,
    ending: () => {
      display.freeze();
      cursor.reset();
      Object.assign(guest, { enabled: true, paused: false, problem: "" });
    },
  },
);

const input = new Input(stage, display, {
  send: (message) => session.send(message),
  leave: () => {
    toolbar.focus();
    notice.hint("The keyboard is the browser’s again. Click the picture to give it back.");
  },
  pressed: () => keybar.unstick(),
  stats: () => stats.toggle(),
  locked: (locked) => {
    if (locked) notice.hint("The pointer is the guest’s. Esc sets it free.");
  },
  touched: (at) => {
    if (at) cursor.place(at.x, at.y, true);
    cursor.drawn = at !== null || relative;
  },
});
let relative = false;

const notice = new Notice(() => session.connect());
const stats = new Stats(session, element("video", HTMLVideoElement), () => stage.focus({ preventScroll: true }));
const keybar = new Keybar(input, () => stage.focus());
const toolbar = new Toolbar({
  scale: (scaling) => {
    display.scaling = scaling;
  },
  hint: (text) => notice.hint(text),
  ctrlAltDel: () => input.chord("ControlLeft", "AltLeft", "Delete"),
  done: () => stage.focus({ preventScroll: true }),
});

/** @param {DisplayMessage} message */
function receive(message) {
  switch (message.type) {
    case "size":
      display.resize({ width: message.width, height: message.height });
      break;
    case "pointer-mode":
      relative = !message.absolute;
      input.absolute = message.absolute;
      cursor.drawn = relative;
      if (relative) notice.hint("Click the picture to move the guest’s pointer.");
      break;
    case "cursor":
      cursor.define(message);
      break;
    case "cursor-position":
      cursor.place(message.x, message.y, message.visible);
      break;
    case "leds":
      caps.hidden = !message.capsLock;
      break;
    case "enabled":
      guest.enabled = message.enabled;
      render();
      break;
    case "state":
      guest.paused = message.paused;
      render();
      break;
    case "problem":
      guest.problem = message.text;
      render();
      break;
    case "stats":
      stats.receive(message);
      break;
  }
}

function render() {
  const now = current();
  if (now.state === "signed-out") signIn();
  const connected = now.state === "connected";
  notice.show(now, session.retryAt);
  toolbar.connected = connected;
  stats.connected = connected;
  pausedBadge.hidden = !(connected && guest.paused);
  if (!connected) caps.hidden = true;
  document.body.classList.toggle("dimmed", !(connected && display.showing));
  document.body.classList.toggle("blank", connected && !guest.enabled);
}

function current() {
  const { state, message } = session;
  return situation({ session: state, message, list, domain, showing: display.showing, ...guest });
}

/** @param {import("../core/domains.js").DomainList} news */
function listed(news) {
  const could = canOpen(list, domain);
  list = news;
  domain = news.domains.find((one) => one.uuid === uuid) ?? null;
  if (domain) {
    element("name", HTMLElement).textContent = domain.name;
    document.title = domain.name;
  }
  const can = canOpen(list, domain);
  const pid = domain?.worker_pid ?? null;
  if (can === false) session.hold();
  else if (session.state === "held" || session.state === "problem") session.connect();
  else if (can && could === false && session.state === "waiting") session.connect();
  else if (session.state === "connected" && worker !== null && pid !== null && pid !== worker) session.connect();
  render();
}

const events = new DomainEvents({
  list: listed,
  state: (state) => {
    if (state === "signed-out") signIn();
  },
});

/** The network is back, or somebody looks again: no reason to wait. */
function hurry() {
  if (!document.hidden && session.state === "waiting") session.connect();
}

window.addEventListener("online", hurry);
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

publish({ session, display, stats, state: () => current().state });
session.connect();
events.open();
stage.focus();
