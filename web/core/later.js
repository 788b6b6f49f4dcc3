// @ts-check
/** Modules that the console page fetches when they are needed, and not before its first picture. */

/** @template Module */
export class Later {
  #url;
  #failures = 0;
  /** @type {Promise<Module> | null} */
  #loading = null;

  /**
   * @param {string} path
   * @param {string} from the address of the module that names it
   */
  constructor(path, from) {
    this.#url = new URL(path, from);
  }

  /**
   * @returns {Promise<Module>}
   * @throws {Error} it cannot be fetched, in words for people; the next call tries again
   */
  load() {
    this.#loading ??= import(this.#url.href).catch(() => {
      this.#loading = null;
      this.#failures += 1;
      // Some browsers remember for each address that it has failed.
      this.#url.searchParams.set("again", String(this.#failures));
      throw new Error("Part of this page could not be loaded. If it stays so, reload the page.");
    });
    return this.#loading;
  }

  /** Load it now, so that it is here when it is needed; where that fails, whoever needs it tries again. */
  ahead() {
    if (!this.#failures) this.load().catch(() => undefined);
  }
}

/** @type {Later<typeof import("./websocket-transport.js")>} */
export const streams = new Later("./websocket-transport.js", import.meta.url);
