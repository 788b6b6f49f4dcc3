// @ts-check
/** All screens of the guest on one page: one at a time, or side by side; made as the server tells of them. */

import { element } from "./elements.js";
import { Head } from "./head.js";

/** @typedef {import("../core/protocol.js").HeadInfo} HeadInfo */
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

export class Heads {
  /** The one that the toolbar, the key bar and the statistics are about. @type {Head} */
  active;
  /** The one that the session was made for. */
  first;

  #place = element("heads", HTMLElement);
  #strip = element("screens", HTMLElement);
  #side = element("side-by-side", HTMLButtonElement);
  #session;
  #handlers;
  /** A head as it is before anything was done to it. */
  #model;
  /** Present or not, by console. @type {Map<number, Head>} */
  #heads = new Map();
  /** As the server tells. @type {HeadInfo[]} */
  #told = [];
  /** @type {Map<number, HTMLButtonElement>} */
  #buttons = new Map();
  /** @type {import("../core/geometry.js").Scaling} */
  #scaling = "fit";
  #sideBySide = localStorage.getItem(ARRANGEMENT_KEY) === "side";

  /**
   * @param {number} index the console that the session was made for
   * @param {Session} session
   * @param {Omit<import("./head.js").HeadHandlers, "first" | "focused"> & {activated: () => void}} handlers activated:
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

  /** @returns {Head[]} those that the guest has now; the first one at least */
  get present() {
    const present = this.#told.flatMap(({ index, section }) => (section === null ? [] : [this.#heads.get(index)]));
    return present.length ? present.filter((head) => head !== undefined) : [this.first];
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
    for (const head of this.#heads.values()) head.end();
  }

  /**
   * @param {import("../core/protocol.js").DisplayMessage} message
   * @param {number | null} index as the session tells it
   * @returns {Head | undefined} whose it is
   */
  receive(message, index) {
    const head = index === null ? this.first : this.#heads.get(index);
    if (message.type === "heads") this.#tell(message.heads);
    else head?.receive(message);
    return head;
  }

  /** @param {HeadInfo[]} told */
  #tell(told) {
    this.#told = [...told].sort((a, b) => a.index - b.index);
    for (const { index, section } of this.#told) {
      if (section === null || this.#heads.has(index)) continue;
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
    /** @type {Head} */
    const head = new Head(element, index, this.#session, first, {
      ...this.#handlers,
      first: () => head === this.active,
      focused: () => this.#activate(head),
    });
    head.display.scaling = this.#scaling;
    this.#heads.set(index, head);
    return head;
  }

  /** @param {import("../core/geometry.js").Scaling} scaling of all of them */
  set scaling(scaling) {
    this.#scaling = scaling;
    for (const { display } of this.#heads.values()) display.scaling = scaling;
  }

  /** @param {Head} head */
  #activate(head) {
    if (head === this.active) return;
    this.active.input.releaseAll();
    this.active = head;
    this.#renderStrip();
    this.#handlers.activated();
  }

  /** @param {Head} head the viewer's choice */
  #choose(head) {
    this.#activate(head);
    this.#show();
    head.focus();
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
    for (const head of this.#heads.values()) head.show(present.includes(head) && (side || head === this.active));
    present.forEach((head, i) => {
      const label = several ? `The guest's screen ${i + 1}` : "The guest's screen";
      head.stage.setAttribute("aria-label", `${label}. Press Ctrl, Alt and Shift together to leave it.`);
      // As in the strip, whichever was there first.
      head.element.style.order = String(i);
    });
    this.#watch();
    this.#handlers.changed();
  }

  /** Have the pictures sent that somebody sees. */
  #watch() {
    for (const head of this.#heads.values()) {
      const wanted = head.shown && !document.hidden;
      if (wanted && !head.open && head !== this.first) this.#open(head);
      head.watch(wanted);
    }
  }

  /** @param {Head} head */
  #open(head) {
    const section = this.#told.find(({ index }) => index === head.index)?.section;
    const stream = this.#session.stream(section ?? -1);
    if (!stream || head.video.srcObject === stream) return;
    head.begin(stream, false);
    this.#session.open(head.index, () => head.opened());
  }

  #renderStrip() {
    const { present, several } = this;
    this.#strip.hidden = !several;
    for (const [index, button] of this.#buttons) {
      if (present.some((head) => head.index === index)) continue;
      button.remove();
      this.#buttons.delete(index);
    }
    present.forEach((head, i) => {
      const button = this.#buttons.get(head.index) ?? this.#button(head);
      const info = this.#told.find(({ index }) => index === head.index);
      const name = `Screen ${i + 1}${info?.enabled === false ? " (off)" : ""}`;
      button.textContent = String(i + 1);
      button.title = info?.label ? `${name}: ${info.label}` : name;
      button.ariaLabel = name;
      button.ariaPressed = String(head === this.active);
      button.classList.toggle("off", info?.enabled === false);
      if (this.#strip.children[i] !== button) this.#strip.insertBefore(button, this.#strip.children[i]);
    });
    this.#side.ariaPressed = String(this.#sideBySide);
  }

  /** @param {Head} head */
  #button(head) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.addEventListener("click", () => this.#choose(head));
    this.#buttons.set(head.index, button);
    return button;
  }
}
