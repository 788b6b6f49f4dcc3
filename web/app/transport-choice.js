// @ts-check
/** What connections go over: as the page's address says, or as the viewer chose, or whatever gets through. */

import { element } from "./elements.js";

/** @typedef {import("../core/connecting.js").TransportChoice} TransportChoice */

const NAME = "libvirt-webrtc.transport";
/** @type {TransportChoice[]} */
const CHOICES = ["auto", "webrtc", "websocket"];

/** @returns {TransportChoice} */
export function transportChoice() {
  const asked = new URLSearchParams(location.search).get("transport") ?? localStorage.getItem(NAME);
  return CHOICES.find((choice) => choice === asked) ?? "auto";
}

/**
 * Have the viewer choose, in the statistics; what is chosen counts for all consoles from now on.
 * @param {import("../core/session.js").Session} session
 * @param {() => void} done something was chosen: the keyboard is the guest's again
 */
export function offerTransports(session, done) {
  const select = element("transport", HTMLSelectElement);
  select.value = session.choice;
  select.addEventListener("change", () => {
    const choice = CHOICES.find((one) => one === select.value) ?? "auto";
    localStorage.setItem(NAME, choice);
    session.choice = choice;
    done();
  });
}
