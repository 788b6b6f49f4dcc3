// @ts-check
/**
 * Whether the login page asks, where it could sign somebody in without: after a sign-out, which would be undone at once, and
 * after a refusal, which would come again. For this tab, until somebody has signed in.
 */

import { HOME } from "../core/site.js";

const NAME = `libvirt-webrtc.ask-first:${HOME}`;

export function askFirst() {
  sessionStorage.setItem(NAME, "1");
}

export function asksFirst() {
  return sessionStorage.getItem(NAME) !== null;
}

export function askNoMore() {
  sessionStorage.removeItem(NAME);
}
