// @ts-check
/** One of the guest's consoles on the page: its picture, its pointer, and what is done to it. */

import { lackingHint, pointerHint, unknownHint } from "./hints.js";
import { Cursor } from "../core/cursor.js";
import { Display } from "../core/display.js";
import { Input } from "../core/input/input.js";
import { encodeResize, encodeWatch } from "../core/protocol.js";
import { reducedWords, sentence } from "./words.js";

/** @typedef {import("../core/protocol.js").DisplayMessage} DisplayMessage */

/**
 * @typedef {object} ViewerConsoleHandlers
 * @property {() => void} changed anything about it
 * @property {() => boolean} first whether what is typed while nothing has the focus goes here
 * @property {() => void} focused it has the keyboard now
 * @property {() => void} leave the way out of the grab was pressed
 * @property {() => void} pressed a key that is no modifier went down
 * @property {() => void} captured the pointer is the guest's until Esc sets it free
 * @property {() => void} stats the chord for the statistics was pressed
 * @property {(text: string) => void} hint
 * @property {(text: string) => void} withdraw a hint that is not true any more
 */

/**
 * @template {HTMLElement} T
 * @param {HTMLElement} within
 * @param {string} selector
 * @param {new () => T} type
 * @returns {T}
 */
function part(within, selector, type) {
  const found = within.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`the console has no ${type.name} ${selector}`);
  return found;
}

export class ViewerConsole {
  /** The guest shows something on it. */
  enabled = true;
  /** Why its picture cannot be shown; empty: it can. */
  problem = "";
  capsLock = false;
  /** The viewer's role, as the server told it last; null before it did. @type {import("../core/protocol.js").Role | null} */
  role = null;
  /** The size that the guest was last asked for on this connection. @type {import("../core/protocol.js").Size | null} */
  asked = null;

  /** The connection is open: messages can be sent. */
  #open = false;
  /** Whether the picture is to be sent, and what the server was last told about that, or assumes at first. */
  #wanted = false;
  #told = false;
  #shown = false;
  #relative = false;
  /** What was said of a picture that is reduced. */
  #reduced = "";
  #session;
  #key;
  #handlers;
  #cursor;
  #veil;

  /**
   * @param {HTMLElement} element
   * @param {number} index the console's
   * @param {import("../core/session.js").Session} session
   * @param {boolean} first the session was made for it
   * @param {ViewerConsoleHandlers} handlers
   */
  constructor(element, index, session, first, handlers) {
    this.element = element;
    this.index = index;
    this.stage = part(element, ".stage", HTMLElement);
    this.video = part(element, "video", HTMLVideoElement);
    this.picture = part(element, ".picture", HTMLCanvasElement);
    this.#session = session;
    this.#key = first ? null : index;
    this.#handlers = handlers;
    this.#veil = {
      whole: part(element, ".veil", HTMLElement),
      text: part(element, ".veil p", HTMLElement),
      on: part(element, ".veil button", HTMLButtonElement),
    };
    this.display = new Display(
      {
        stage: this.stage,
        screen: part(element, ".screen", HTMLElement),
        video: this.video,
        picture: this.picture,
        still: part(element, ".still", HTMLCanvasElement),
      },
      () => {
        this.#cursor.rescale(this.display.scale);
        handlers.changed();
      },
    );
    this.#cursor = new Cursor(this.stage, part(element, ".pointer", HTMLCanvasElement));
    this.input = new Input(this.stage, this.display, {
      send: (message) => this.send(message),
      first: handlers.first,
      leave: handlers.leave,
      pressed: handlers.pressed,
      stats: handlers.stats,
      lacking: (characters) => handlers.hint(lackingHint(characters)),
      unknown: (key) => handlers.hint(unknownHint(key)),
      locked: (locked) => {
        if (locked) handlers.captured();
      },
      touched: (at) => {
        if (this.viewOnly) return;
        this.#cursor.place(at.x, at.y, true);
        this.#cursor.drawn = true;
      },
      pointed: (at) => {
        this.#cursor.mouse = at;
        if (at) this.#cursor.drawn = this.#relative || this.viewOnly;
      },
    });
    this.stage.addEventListener("focus", handlers.focused);
    this.#veil.on.addEventListener("click", () => {
      this.resize();
      this.focus();
    });
  }

  /** @returns {boolean} whether it is part of the page now */
  get shown() {
    return this.#shown;
  }

  /** @returns {boolean} whether the viewer may look and no more: the server drops what else it sends */
  get viewOnly() {
    return this.role === "view";
  }

  /** @returns {boolean} whether messages can be sent */
  get open() {
    return this.#open;
  }

  focus() {
    this.stage.focus({ preventScroll: true });
  }

  /** @param {Uint8Array<ArrayBuffer>} message of the input channel; dropped unless it is open */
  send(message) {
    this.#session.send(message, this.#key);
  }

  /**
   * @param {import("../core/session.js").Source} source of a new connection
   * @param {boolean} watched whether the server sends it unasked
   */
  begin(source, watched) {
    this.#told = watched;
    this.display.attach(source);
  }

  /** Messages can be sent from now on. */
  opened() {
    this.#open = true;
    this.asked = null;
    this.watch(this.#wanted);
    this.#handlers.changed();
  }

  /** The connection is about to end: keep the last picture on the page. */
  end() {
    this.#open = this.#told = false;
    this.enabled = true;
    this.problem = "";
    this.#reduced = "";
    this.capsLock = false;
    this.display.freeze();
    this.#cursor.reset();
  }

  /** @param {boolean} wanted whether its picture is to be sent */
  watch(wanted) {
    this.#wanted = wanted;
    if (!this.#open || wanted === this.#told) return;
    this.#told = wanted;
    this.send(encodeWatch(wanted));
  }

  /** @param {boolean} shown whether it is part of the page */
  show(shown) {
    this.#shown = shown;
    this.element.hidden = !shown;
    // Without the focus everything that is held goes up by itself.
    if (!shown && document.activeElement === this.stage) this.stage.blur();
  }

  /** Ask the guest for a picture that fills the room there is; that also switches an output on that is off. */
  resize() {
    const { room } = this.display;
    if (!room || !this.#open || this.viewOnly) return;
    this.asked = { width: room.width, height: room.height };
    this.send(encodeResize(room));
  }

  /**
   * Show its state over its own picture where there are several consoles; a single one has the page's notice.
   * @param {boolean} connected
   * @param {boolean} several
   */
  render(connected, several) {
    const { showing } = this.display;
    this.element.classList.toggle("dimmed", !(connected && showing));
    this.element.classList.toggle("blank", connected && !this.enabled);
    const off = !this.enabled;
    this.#veil.whole.hidden = !several || !connected || (showing && !off && !this.problem);
    this.#veil.text.textContent = sentence(this.problem) || (off ? "This screen is off" : "Waiting for the picture…");
    this.#veil.on.hidden = !off || this.viewOnly;
    this.element.classList.toggle("view-only", this.viewOnly);
  }

  get #pointerHint() {
    const fingers = matchMedia("(any-pointer: coarse)").matches && !matchMedia("(any-pointer: fine)").matches;
    return pointerHint({ lockable: this.input.lockable, fingers });
  }

  /** @param {DisplayMessage} message */
  receive(message) {
    switch (message.type) {
      case "size":
        this.display.resize({ width: message.width, height: message.height });
        break;
      case "role":
        this.role = message.role;
        this.input.enabled = !this.viewOnly;
        this.#handlers.changed();
        break;
      case "pointer-mode":
        this.#relative = !message.absolute;
        // A click locks a relative pointer.
        this.input.absolute = message.absolute || this.viewOnly;
        this.#cursor.drawn = this.#relative || this.viewOnly;
        if (message.absolute || this.viewOnly) this.#handlers.withdraw(this.#pointerHint);
        else if (this.#shown) this.#handlers.hint(this.#pointerHint);
        break;
      case "cursor":
        this.#cursor.define(message);
        break;
      case "cursor-position":
        this.#cursor.place(message.x, message.y, message.visible);
        break;
      case "leds":
        this.capsLock = message.capsLock;
        this.#handlers.changed();
        break;
      case "problem":
        this.problem = message.text;
        this.#handlers.changed();
        break;
      case "reduced":
        this.#handlers.withdraw(this.#reduced);
        this.#reduced = reducedWords(this.display.size, message.factor);
        if (this.#reduced) this.#handlers.hint(this.#reduced);
        break;
      case "enabled":
        this.enabled = message.enabled;
        this.#handlers.changed();
        break;
    }
  }
}
