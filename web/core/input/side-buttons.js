// @ts-check
/**
 * The mouse's fourth and fifth buttons in Firefox on Linux: it goes back and forward with them, and tells the page nothing. So the
 * page puts an entry of its own before and one after itself into the history, and sees itself leave for them.
 * Elsewhere the buttons have events, as others do.
 */

const PLACE = "libvirt-webrtc.place";
const [MIDDLE, AHEAD] = ["middle", "ahead"];
/** `MouseEvent.button` */
const [BACK, FORWARD] = [3, 4];

/** @returns {boolean} whether this browser needs it; phones have gestures that go back in place of such buttons */
export function takesSideButtons(userAgent = navigator.userAgent) {
  return /Firefox\/\d/.test(userAgent) && !/Android|Mobile|Tablet/.test(userAgent);
}

/** @returns {unknown} where in the history the page is; undefined: before its own entries, as it was opened */
function place() {
  return history.state?.[PLACE];
}

export class SideButtons {
  #pressed;

  /** @param {(button: number) => boolean} pressed one of them was, unless that returns false: then the history was meant */
  constructor(pressed) {
    this.#pressed = pressed;
    // Entries that are made before somebody has done anything on the page are passed over by the browser.
    for (const type of ["pointerdown", "keydown"]) window.addEventListener(type, () => this.#enter(), { capture: true });
    window.addEventListener("popstate", () => this.#moved());
  }

  #enter() {
    if (place() !== undefined) return;
    for (const entry of [MIDDLE, AHEAD]) history.pushState({ [PLACE]: entry }, "");
    history.back();
  }

  #moved() {
    if (place() === AHEAD) {
      this.#pressed(FORWARD);
      history.back();
    } else if (place() === undefined) {
      if (this.#pressed(BACK)) history.forward();
      else history.back();
    }
  }
}
