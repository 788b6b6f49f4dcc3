// @ts-check
/** Passing hints about the pointer and the keyboard, in words. Pure. */

/**
 * @param {{lockable: boolean, fingers: boolean}} browser whether it can lock the pointer; whether there are only fingers
 * @returns {string} how the pointer of a guest that takes relative motion only is moved
 */
export function pointerHint({ lockable, fingers }) {
  if (fingers) return "Drag a finger over the picture to move the guest’s pointer; tap to click.";
  if (lockable) return "Click the picture to move the guest’s pointer.";
  return "Move the mouse over the picture to move the guest’s pointer. This browser cannot lock it there.";
}

/**
 * @param {string} characters
 * @returns {string} that they could not be typed
 */
export function lackingHint(characters) {
  return `“${characters}” was not typed: text is typed as on a US keyboard, which has no key for it.`;
}

/**
 * @param {string} key `KeyboardEvent.key`
 * @returns {string} that it could not be sent
 */
export function unknownHint(key) {
  const name = key && key !== "Unidentified" ? ` (“${key}”)` : "";
  return `A key was not sent to the guest: the browser does not tell which one it is${name}.`;
}
