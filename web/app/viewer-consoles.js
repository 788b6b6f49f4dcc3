// @ts-check
/** All of the guest's consoles on one page: one at a time, or side by side; made as the server tells of them. */

import { element } from "./elements.js";
import { ViewerConsole } from "./viewer-console.js";

/** @typedef {import("../core/protocol.js").ConsoleInfo} ConsoleInfo */
/** @typedef {import("../core/session.js").Session} Session */

const ARRANGEMENT_KEY = "libvirt-webrtc.arrangement";

/**
 * @param {HTMLElement} model
 * @returns {HTMLElement} a copy that is nobody's yet
 */
function copy(model) {
  const made = /** @type {HTMLElement} */ (model.cloneNode(true));
  for (const part of made.querySelectorAll("[id]")) part.removeAttribute("id");
  return made;
}

export class ViewerConsoles {
  /** The one that the toolbar, the key bar and the statistics are about. @type {ViewerConsole} */
  active;
  /** The one that the session was made for. */
  first;

  #place = element("consoles", HTMLElement);
  #strip = element("screens", HTMLElement);
  #side = element("side-by-side", HTMLButtonElement);
  #session;
  #handlers;
  /** The markup of a console to which nothing was done yet, to copy. */
  #model;
  /** All that were made, the guest has them now or not; by console. @type {Map<number, ViewerConsole>} */
  #consoles = new Map();
  /** The consoles that the guest has now, as the server told last. @type {ConsoleInfo[]} */
  #told = [];
  /** @type {Map<number, HTMLButtonElement>} */
  #buttons = new Map();
  /** @type {import("../core/geometry.js").Scaling} */
  #scaling = "fit";
  #sideBySide = localStorage.getItem(ARRANGEMENT_KEY) === "side";

  /**
   * @param {number} index the console that the session was made for
   * @param {Session} session
   * @param {Omit<import("./viewer-console.js").ViewerConsoleHandlers, "first" | "focused"> & {activated: () => void}} handlers
   *     activated: another console is the active one now
   */
  constructor(index, session, handlers) {
    this.#session = session;
    this.#handlers = handlers;
    const markup = /** @type {HTMLElement} */ (this.#place.firstElementChild);
    this.#model = copy(markup);
    this.first = this.active = this.#make(markup, index, true);
    this.first.show(true);
    this.#watch();
    this.#side.addEventListener("click", () => this.#arrange(!this.#sideBySide));
    document.addEventListener("visibilitychange", () => this.#watch());
  }

  /** @returns {ViewerConsole[]} those that the guest has now; the first one at least */
  get present() {
    const present = this.#told.flatMap(({ index, section }) => (section === null ? [] : [this.#consoles.get(index)]));
    return present.length ? present.filter((viewerConsole) => viewerConsole !== undefined) : [this.first];
  }

  /** @returns {boolean} whether there is more than one to choose from */
  get several() {
    return this.present.length > 1;
  }

  /** @returns {boolean} the viewer does nothing to any of them now */
  get idle() {
    return [...this.#consoles.values()].every(({ input }) => input.idle);
  }

  /** A new connection has begun: the first console shows its stream from the first frame on. */
  begin() {
    const stream = this.#session.stream(0);
    if (stream) this.first.begin(stream, true);
  }

  /** The new connection is open: messages can be sent. */
  opened() {
    this.first.opened();
  }

  /** The connection is about to end: every console keeps its last picture. */
  end() {
    for (const viewerConsole of this.#consoles.values()) viewerConsole.end();
  }

  /**
   * @param {import("../core/protocol.js").DisplayMessage} message
   * @param {number | null} index as the session tells it
   * @returns {ViewerConsole | undefined} whose it is
   */
  receive(message, index) {
    const viewerConsole = index === null ? this.first : this.#consoles.get(index);
    if (message.type === "consoles") this.#tell(message.consoles);
    else viewerConsole?.receive(message);
    return viewerConsole;
  }

  /** @param {ConsoleInfo[]} told */
  #tell(told) {
    this.#told = [...told].sort((a, b) => a.index - b.index);
    for (const { index, section } of this.#told) {
      if (section === null || this.#consoles.has(index)) continue;
      const made = this.#make(copy(this.#model), index, false);
      this.#place.append(made.element);
    }
    const { present } = this;
    if (!present.includes(this.active)) this.#activate(present[0]);
    this.#renderStrip();
    this.#show();
  }

  /** @param {HTMLElement} element @param {number} index @param {boolean} first */
  #make(element, index, first) {
    /** @type {ViewerConsole} */
    const viewerConsole = new ViewerConsole(element, index, this.#session, first, {
      ...this.#handlers,
      first: () => viewerConsole === this.active,
      focused: () => this.#activate(viewerConsole),
    });
    viewerConsole.display.scaling = this.#scaling;
    this.#consoles.set(index, viewerConsole);
    return viewerConsole;
  }

  /**
   * @param {number} button `MouseEvent.button`, pressed and released where the mouse is
   * @returns {boolean} whether it is over one of them
   */
  click(button) {
    const under = this.present.find(({ stage }) => stage.matches(":hover"));
    under?.input.click(button);
    return under !== undefined;
  }

  /** @param {import("../core/geometry.js").Scaling} scaling of all of them */
  set scaling(scaling) {
    this.#scaling = scaling;
    for (const { display } of this.#consoles.values()) display.scaling = scaling;
  }

  /** @param {ViewerConsole} viewerConsole */
  #activate(viewerConsole) {
    if (viewerConsole === this.active) return;
    this.active.input.releaseAll();
    this.active = viewerConsole;
    this.#renderStrip();
    this.#handlers.activated();
  }

  /** @param {ViewerConsole} viewerConsole the viewer's choice */
  #choose(viewerConsole) {
    this.#activate(viewerConsole);
    this.#show();
    viewerConsole.focus();
  }

  /** @param {boolean} sideBySide */
  #arrange(sideBySide) {
    this.#sideBySide = sideBySide;
    localStorage.setItem(ARRANGEMENT_KEY, sideBySide ? "side" : "tabs");
    this.#renderStrip();
    this.#show();
    this.active.focus();
  }

  #show() {
    const { present, several } = this;
    const side = several && this.#sideBySide;
    this.#place.classList.toggle("side", side);
    for (const viewerConsole of this.#consoles.values()) {
      viewerConsole.show(present.includes(viewerConsole) && (side || viewerConsole === this.active));
    }
    present.forEach((viewerConsole, i) => {
      const label = several ? `The guest's screen ${i + 1}` : "The guest's screen";
      const way = this.first.viewOnly ? "You may only view it." : "Press Ctrl, Alt and Shift together to leave it.";
      viewerConsole.stage.setAttribute("aria-label", `${label}. ${way}`);
      // As in the strip, whichever was there first.
      viewerConsole.element.style.order = String(i);
    });
    this.#watch();
    this.#handlers.changed();
  }

  /** Tell the server which pictures somebody sees: only those are sent. */
  #watch() {
    for (const viewerConsole of this.#consoles.values()) {
      const wanted = viewerConsole.shown && !document.hidden;
      if (wanted && !viewerConsole.open && viewerConsole !== this.first) this.#open(viewerConsole);
      viewerConsole.watch(wanted);
    }
  }

  /** @param {ViewerConsole} viewerConsole */
  #open(viewerConsole) {
    const section = this.#told.find(({ index }) => index === viewerConsole.index)?.section;
    const stream = this.#session.stream(section ?? -1);
    if (!stream || viewerConsole.display.source === stream) return;
    viewerConsole.begin(stream, false);
    this.#session.open(viewerConsole.index, () => viewerConsole.opened());
  }

  #renderStrip() {
    const { present, several } = this;
    this.#strip.hidden = !several;
    for (const [index, button] of this.#buttons) {
      if (present.some((viewerConsole) => viewerConsole.index === index)) continue;
      button.remove();
      this.#buttons.delete(index);
    }
    present.forEach((viewerConsole, i) => {
      const button = this.#buttons.get(viewerConsole.index) ?? this.#button(viewerConsole);
      const info = this.#told.find(({ index }) => index === viewerConsole.index);
      const name = `Screen ${i + 1}${info?.enabled === false ? " (off)" : ""}`;
      button.textContent = String(i + 1);
      button.title = info?.label ? `${name}: ${info.label}` : name;
      button.ariaLabel = name;
      button.ariaPressed = String(viewerConsole === this.active);
      button.classList.toggle("off", info?.enabled === false);
      if (this.#strip.children[i] !== button) this.#strip.insertBefore(button, this.#strip.children[i]);
    });
    this.#side.ariaPressed = String(this.#sideBySide);
  }

  /** @param {ViewerConsole} viewerConsole */
  #button(viewerConsole) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.addEventListener("click", () => this.#choose(viewerConsole));
    this.#buttons.set(viewerConsole.index, button);
    return button;
  }
}
