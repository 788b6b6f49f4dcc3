// @ts-check
/**
 * The page behind a share link. The link's secret is in the address's fragment, which reaches no server's log, and is sent when
 * the button is pressed, not before: programs that look at links in messages must not use up one that works once.
 */

import { messageOf, request } from "../core/request.js";
import { keepSessionKey } from "../core/session-key.js";
import { at } from "../core/site.js";
import { element } from "./elements.js";
import { sentence } from "./words.js";

const title = element("title", HTMLElement);
const text = element("text", HTMLElement);
const form = element("form", HTMLFormElement);
const button = element("open", HTMLButtonElement);
const problem = element("error", HTMLElement);

/** @param {string} why */
function refuse(why) {
  title.textContent = "This link opens nothing";
  text.textContent = `${sentence(why)} Ask whoever sent it to you for another one.`;
  form.hidden = true;
}

/** @param {string} secret */
async function open(secret) {
  problem.textContent = "";
  button.disabled = true;
  const headers = { "Content-Type": "application/json" };
  try {
    const reply = await request(at("api/share"), { method: "POST", headers, body: JSON.stringify({ secret }) });
    if (reply.ok) {
      const { key, link, domain } = JSON.parse(reply.text);
      keepSessionKey(key, link);
      // Nothing of the secret stays in the history.
      location.replace(at(`console/${encodeURIComponent(domain)}?link=${encodeURIComponent(link)}`));
      return;
    }
    const why = messageOf(reply) || `The server answered with status ${reply.status}.`;
    if (reply.status === 401 || reply.status === 410) refuse(why);
    else problem.textContent = sentence(why);
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
  }
  button.disabled = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void open(location.hash.slice(1));
});
// The same page, with another link pasted into its address bar, is not loaded again.
window.addEventListener("hashchange", () => location.reload());
// The server sends whoever opens a console's page by a link that is over here, with `#over`.
if (location.hash === "#over") refuse("Its time is over, or it was revoked.");
else if (!location.hash.slice(1)) refuse("Part of the address is missing.");
