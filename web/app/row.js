// @ts-check
/** One domain in the list. */

import { at } from "../core/site.js";
import { element } from "./elements.js";
import { isAlive, isAttaching, stateWords, visible, whyNot } from "./words.js";

/** @typedef {import("../core/domains.js").Domain} Domain */

/** @type {Record<string, string>} */
const TONES = { running: "good", paused: "busy", shutdown: "busy", pmsuspended: "busy", crashed: "bad", shutoff: "off" };

/** @param {number} count */
function viewersWords(count) {
  return count === 0 ? "" : count === 1 ? "1 viewer" : `${count} viewers`;
}

/** @param {import("../core/domains.js").ConsoleInfo[]} consoles */
function screensWords(consoles) {
  const [{ width, height }] = consoles;
  const size = width ? `${width} × ${height}` : "";
  return [size, consoles.length > 1 ? `${consoles.length} screens` : ""].filter(Boolean).join(" · ");
}

/** @param {Domain} domain @param {number} index */
function consolePath({ uuid }, index) {
  return at(`console/${encodeURIComponent(uuid)}${index ? `?console=${index}` : ""}`);
}

export class Row {
  /** @type {HTMLElement} */
  element;
  /** The domain that is shown, as JSON, to skip updates that change nothing. */
  #shown = "";
  /** @type {Domain | null} */
  #domain = null;

  /** @param {(domain: Domain) => void} attach the viewer wants its console now */
  constructor(attach) {
    const template = element("row", HTMLTemplateElement);
    const copy = template.content.firstElementChild?.cloneNode(true);
    if (!(copy instanceof HTMLElement)) throw new Error("the row's template is empty");
    this.element = copy;
    this.#part("attach").addEventListener("click", () => this.#domain && attach(this.#domain));
  }

  /** @param {Domain} domain */
  show(domain) {
    const news = JSON.stringify(domain);
    if (news === this.#shown) return;
    this.#shown = news;
    this.#domain = domain;
    const ready = domain.console.state === "ready";
    const [first] = domain.consoles;
    const { classList } = this.element;
    this.element.dataset.tone = isAttaching(domain) ? "busy" : (TONES[domain.state] ?? "off");
    classList.toggle("open", ready);
    classList.toggle("alive", isAlive(domain));
    classList.toggle("failed", domain.console.state === "failed");
    this.#say("name", visible(domain.name));
    this.#say("state", stateWords(domain));
    const details = [ready && first ? screensWords(domain.consoles) : "", domain.role === "view" ? "view only" : ""];
    this.#say("detail", details.filter(Boolean).join(" · "));
    this.#say("why", whyNot(domain));
    this.#say("viewers", viewersWords(domain.consoles.reduce((sum, { viewers }) => sum + viewers, 0)));
    this.#part("attach").hidden = !domain.actions.includes("attach");
    this.#link(domain, ready);
  }

  /** @param {string} part class of a descendant */
  #part(part) {
    const found = this.element.querySelector(`.${part}`);
    if (!(found instanceof HTMLElement)) throw new Error(`the row has no .${part}`);
    return found;
  }

  /** @param {string} part @param {string} text */
  #say(part, text) {
    this.#part(part).textContent = text;
  }

  /** @param {Domain} domain @param {boolean} ready */
  #link(domain, ready) {
    const name = this.#part("name");
    name.title = visible(domain.name);
    if (ready) name.setAttribute("href", consolePath(domain, domain.consoles[0]?.index ?? 0));
    else name.removeAttribute("href");
  }
}
