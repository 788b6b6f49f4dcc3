// @ts-check
/** All screens of the guest on one page: one at a time, or side by side; made as the server tells of them. */

import { element } from "./elements.js";
import { ViewerConsole } from "./viewerconsole.js";

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
  /** A view as it is before anything was done to it. */
  #model;
  /** Present or not, by console. @type {Map<number, ViewerConsole>} */
  #consoles = new Map();
  /** As the server tells. @type {ConsoleInfo[]} */
  #told = [];
  /** @type {Map<number, HTMLButtonElement>} */
  #buttons = new Map();
  /** @type {import("../core/geometry.js").Scaling} */
  #scaling = "fit";
  #sideBySide = localStorage.getItem(ARRANGEMENT_KEY) === "side";

  /**
   * @param {number} index the console that the session was made for
   * @param {Session} session
   * @param {Omit<import("./viewerconsole.js").ViewerConsoleHandlers, "first" | "focused"> & {activated: () => void}} handlers activated:
   *     another one is the active one now
   */
  constructor(index, session, handlers) {
    this.#session = session;
    this.#handlers = handlers;
    const element = /** @type {HTMLElement} */ (this.#place.firstElementChild);
    this.#model = copy(element);
    this.first = this.active = this.#make(element, index, true);
    this.first.show(true);
    this.#watch();
    this.#side.addEventListener("click", () => this.#arrange(!this.#sideBySide));
    document.addEventListener("visibilitychange", () => this.#watch());
  }

  /** @returns {ViewerConsole[]} those that the guest has now; the first one at least */
  get present() {
    const present = this.#told.flatMap(({ index, section }) => (section === null ? [] : [this.#consoles.get(index)]));
    return present.length ? present.filter((view) => view !== undefined) : [this.first];
  }

  /** @returns {boolean} whether there is more than one to choose from */
  get several() {
    return this.present.length > 1;
  }

  /** There is a new connection. */
  begin() {
    const stream = this.#session.stream(0);
    if (stream) this.first.begin(stream, true);
  }

  /** It can be used. */
  opened() {
    this.first.opened();
  }

  /** It ends. */
  end() {
    for (const view of this.#consoles.values()) view.end();
  }

  /**
   * @param {import("../core/protocol.js").DisplayMessage} message
   * @param {number | null} index as the session tells it
   * @returns {ViewerConsole | undefined} whose it is
   */
  receive(message, index) {
    const view = index === null ? this.first : this.#consoles.get(index);
    if (message.type === "consoles") this.#tell(message.consoles);
    else view?.receive(message);
    return view;
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
    const view = new ViewerConsole(element, index, this.#session, first, {
      ...this.#handlers,
      first: () => view === this.active,
      focused: () => this.#activate(view),
    });
    view.display.scaling = this.#scaling;
    this.#consoles.set(index, view);
    return view;
  }

  /** @param {import("../core/geometry.js").Scaling} scaling of all of them */
  set scaling(scaling) {
    this.#scaling = scaling;
    for (const { display } of this.#consoles.values()) display.scaling = scaling;
  }

  /** @param {ViewerConsole} view */
  #activate(view) {
    if (view === this.active) return;
    this.active.input.releaseAll();
    this.active = view;
    this.#renderStrip();
    this.#handlers.activated();
  }

  /** @param {ViewerConsole} view the viewer's choice */
  #choose(view) {
    this.#activate(view);
    this.#show();
    view.focus();
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
    for (const view of this.#consoles.values()) view.show(present.includes(view) && (side || view === this.active));
    present.forEach((view, i) => {
      const label = several ? `The guest's screen ${i + 1}` : "The guest's screen";
      view.stage.setAttribute("aria-label", `${label}. Press Ctrl, Alt and Shift together to leave it.`);
      // As in the strip, whichever was there first.
      view.element.style.order = String(i);
    });
    this.#watch();
    this.#handlers.changed();
  }

  /** Have the pictures sent that somebody sees. */
  #watch() {
    for (const view of this.#consoles.values()) {
      const wanted = view.shown && !document.hidden;
      if (wanted && !view.open && view !== this.first) this.#open(view);
      view.watch(wanted);
    }
  }

  /** @param {ViewerConsole} view */
  #open(view) {
    const section = this.#told.find(({ index }) => index === view.index)?.section;
    const stream = this.#session.stream(section ?? -1);
    if (!stream || view.video.srcObject === stream) return;
    view.begin(stream, false);
    this.#session.open(view.index, () => view.opened());
  }

  #renderStrip() {
    const { present, several } = this;
    this.#strip.hidden = !several;
    for (const [index, button] of this.#buttons) {
      if (present.some((view) => view.index === index)) continue;
      button.remove();
      this.#buttons.delete(index);
    }
    present.forEach((view, i) => {
      const button = this.#buttons.get(view.index) ?? this.#button(view);
      const info = this.#told.find(({ index }) => index === view.index);
      const name = `Screen ${i + 1}${info?.enabled === false ? " (off)" : ""}`;
      button.textContent = String(i + 1);
      button.title = info?.label ? `${name}: ${info.label}` : name;
      button.ariaLabel = name;
      button.ariaPressed = String(view === this.active);
      button.classList.toggle("off", info?.enabled === false);
      if (this.#strip.children[i] !== button) this.#strip.insertBefore(button, this.#strip.children[i]);
    });
    this.#side.ariaPressed = String(this.#sideBySide);
  }

  /** @param {ViewerConsole} view */
  #button(view) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.addEventListener("click", () => this.#choose(view));
    this.#buttons.set(view.index, button);
    return button;
  }
}
