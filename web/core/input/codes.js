// @ts-check
/** Which key an event is about, also where the browser leaves `KeyboardEvent.code` empty. Pure. */

/** What to take for a modifier that is known by its `key` alone. Remote desktops and input tools make such events. */
const MODIFIERS = new Map([
  ["Shift", "ShiftLeft"],
  ["Control", "ControlLeft"],
  ["Alt", "AltLeft"],
  ["AltGraph", "AltRight"],
  ["Meta", "MetaLeft"],
  ["OS", "MetaLeft"],
  ["Super", "MetaLeft"],
]);

/** Keys whose `key` is the same word as their `code`. */
const SAME = new RegExp(
  "^(Enter|Tab|Escape|Backspace|Delete|Insert|Home|End|PageUp|PageDown|Arrow(Left|Right|Up|Down)|F\\d+|" +
    "CapsLock|NumLock|ScrollLock|Pause|PrintScreen|ContextMenu)$",
);

/**
 * @param {string} code
 * @returns {boolean} whether it is one of the keys that change what others mean
 */
export function isModifier(code) {
  return /^(Control|Alt|Shift|Meta|OS)(Left|Right)$/.test(code);
}

/**
 * @param {{code: string, key: string}} event
 * @returns {string} its `code`, or what its `key` is on a usual keyboard; empty where neither tells
 */
export function codeOf({ code, key }) {
  if (code && code !== "Unidentified") return code;
  return MODIFIERS.get(key) ?? (SAME.test(key) ? key : "");
}
