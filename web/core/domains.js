// @ts-check
/** The live list of domains, by server-sent events. Reconnects by itself. */

import { Backoff } from "./backoff.js";
import { request } from "./request.js";

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
 * @property {"attach"[]} actions what may be asked for now
 */
/** @typedef {{libvirt: {connected: boolean, problem: string | null}, domains: Domain[]}} DomainList */
/** @typedef {"connecting" | "live" | "reconnecting" | "signed-out"} LiveState */

/** An event source that is not open after this long is replaced. An open one may be silent: lists come at changes only. */
const OPEN_TIMEOUT_MS = 10_000;

export class DomainEvents {
  /** @type {LiveState} */
  state = "connecting";

  #handlers;
  #backoff = new Backoff();
  /** @type {EventSource | null} */
  #source = null;
  /** Ends the request that is going on; a new one after each close(). */
  #life = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {{list: (list: DomainList) => void, state: (state: LiveState) => void}} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** Connect now, for instance when the browser brings a page back from its cache. */
  open() {
    this.close();
    const source = new EventSource("/api/events");
    this.#source = source;
    this.#timer = setTimeout(() => void this.#failed(source), OPEN_TIMEOUT_MS);
    source.addEventListener("open", () => {
      if (source === this.#source) clearTimeout(this.#timer);
    });
    source.addEventListener("message", (event) => {
      this.#backoff.reset();
      this.#set("live");
      this.#handlers.list(JSON.parse(event.data));
    });
    source.addEventListener("error", () => void this.#failed(source));
  }

  /** End the connection and every attempt to get one, until open() is called. Idempotent. */
  close() {
    this.#life.abort();
    this.#life = new AbortController();
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /**
   * Try again later, unless the user is signed out. Browsers do not tell why an event source failed: another request does.
   * @param {EventSource} source
   */
  async #failed(source) {
    if (source !== this.#source) return;
    this.close();
    const { signal } = this.#life;
    this.#set("reconnecting");
    const status = await request("/api/domains", { signal }).then(
      (reply) => reply.status,
      () => 0,
    );
    if (signal.aborted) return;
    if (status === 401) this.#set("signed-out");
    else this.#timer = setTimeout(() => this.open(), this.#backoff.next());
  }

  /** @param {LiveState} state */
  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.#handlers.state(state);
  }
}
