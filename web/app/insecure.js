// @ts-check
/** Says that a page came in the clear: over plain HTTP from another machine, which the setting `insecure` allows. */

import { element } from "./elements.js";

/** Show the page's warning where it is true. Browsers call plain HTTP from their own machine secure. */
export function warnIfInsecure() {
  element("insecure", HTMLElement).hidden = window.isSecureContext;
}
