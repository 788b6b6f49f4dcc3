// @ts-check
/** The live list of domains, by server-sent events. Reconnects by itself. */

import { Backoff, pause } from "./backoff.js";
import { readEvents } from "./event-stream.js";
import { request } from "./request.js";
import { at } from "./site.js";

/**
 * @typedef {object} ConsoleInfo
 * @property {number} index
 * @property {string} label
 * @property {number} width
 * @property {number} height
 * @property {string | null} scanout
 * @property {number} viewers
 */
/**
 * @typedef {object} Domain
 * @property {string} uuid
 * @property {string} name
 * @property {"running" | "paused" | "shutdown" | "shutoff" | "crashed" | "pmsuspended" | "unknown"} state
 * @property {{state: "ready" | "starting" | "failed" | "attaching" | "none", reason: string | null}} console
 * @property {ConsoleInfo[]} consoles
 * @property {number | null} worker_pid
 * @property {"attach"[]} actions what this user may ask for now
 * @property {import("./protocol.js").Role} role this user's
 */
/** @typedef {{name: string, method: string}} User who is signed in, and how */
/** @typedef {{libvirt: {connected: boolean, problem: string | null, uri: string | null}, domains: Domain[], user: User}} DomainList */
/**
 * @typedef {"connecting" | "live" | "reconnecting" | "held-back" | "signed-out"} LiveState
 * held-back: the server answers, but its events do not come: something in between collects them. The list is asked for.
 */

/** The longest wait between attempts: short, since an attempt costs little, and a person may be waiting for a restart. */
const LONGEST_WAIT_MS = 1000;
/** Where no event comes: how long until the list is asked for, and how often it is. The first event is sent at once. */
export const ASK_EACH_MS = 4000;

export class DomainEvents {
  /** @type {LiveState} */
  state = "connecting";

  #handlers;
  #backoff = new Backoff(LONGEST_WAIT_MS);
  /** Whether the present stream has brought an event. */
  #flows = false;
  /** Ends the stream and all attempts to get one; a new one after each close(). */
  #life = new AbortController();

  /** @param {{list: (list: DomainList) => void, state: (state: LiveState) => void}} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** Connect now, for instance when the browser brings a page back from its cache. */
  open() {
    this.close();
    void this.#follow(this.#life.signal);
    void this.#askWhileHeldBack(this.#life.signal);
  }

  /** End the connection and every attempt to get one, until open() is called. Idempotent. */
  close() {
    this.#life.abort();
    this.#life = new AbortController();
    this.#flows = false;
  }

  /** @param {AbortSignal} signal */
  async #follow(signal) {
    while (!signal.aborted) {
      const status = await readEvents(at("api/events"), signal, (data) => {
        if (!signal.aborted) this.#receive(JSON.parse(data));
      });
      if (signal.aborted) return;
      if (status === 401) {
        this.#life.abort();
        this.#set("signed-out");
        return;
      }
      this.#flows = false;
      if (this.state !== "held-back") this.#set("reconnecting");
      await pause(this.#backoff.next(), signal);
    }
  }

  /** @param {AbortSignal} signal */
  async #askWhileHeldBack(signal) {
    for (;;) {
      await pause(ASK_EACH_MS, signal);
      if (signal.aborted) return;
      if (this.#flows) continue;
      const list = await request(at("api/domains"), { signal })
        .then(({ ok, text }) => (ok ? JSON.parse(text) : null))
        .catch(() => null);
      if (signal.aborted) return;
      if (this.#flows) continue;
      if (list) {
        this.#set("held-back");
        this.#handlers.list(list);
      } else if (this.state === "held-back") {
        this.#set("reconnecting");
      }
    }
  }

  /** @param {DomainList} list */
  #receive(list) {
    this.#flows = true;
    this.#backoff.reset();
    this.#set("live");
    this.#handlers.list(list);
  }

  /** @param {LiveState} state */
  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.#handlers.state(state);
  }
}
