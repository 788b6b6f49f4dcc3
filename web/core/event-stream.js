// @ts-check
/** Server-sent events by fetch(), which, other than EventSource, sends the session's key and tells the answer's status. */

import { sessionHeaders } from "./session-key.js";

/** There is no answer after this long: the attempt ends. */
export const OPEN_LIMIT_MS = 10_000;

/** Nothing came for this long: the stream ends. The server sends a comment every 15 s, so the path is gone by then. */
export const SILENCE_LIMIT_MS = 45_000;

/**
 * Read a stream until it ends, for whatever reason.
 * @param {string} url
 * @param {AbortSignal} signal ends it
 * @param {(data: string) => void} event hears the data of each event
 * @returns {Promise<number>} the answer's status; 0: there was none
 */
export async function readEvents(url, signal, event) {
  const attempt = new AbortController();
  const end = () => attempt.abort();
  let timer = setTimeout(end, OPEN_LIMIT_MS);
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  let status = 0;
  try {
    const headers = { Accept: "text/event-stream", ...sessionHeaders(url) };
    const response = await fetch(url, { headers, cache: "no-store", signal: attempt.signal });
    status = response.status;
    const reader = response.ok ? response.body?.getReader() : undefined;
    const decoder = new TextDecoder();
    for (let text = ""; reader; ) {
      clearTimeout(timer);
      timer = setTimeout(end, SILENCE_LIMIT_MS);
      const { done, value } = await reader.read();
      if (done) break;
      const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = events.pop() ?? "";
      // Each on its own, so that an error in there is the page's uncaught error, and not this stream's end.
      for (const one of events) if (one.startsWith("data: ")) queueMicrotask(() => event(one.slice("data: ".length)));
    }
  } catch {
    // The connection broke, or was ended here: the caller sees that it is over.
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    end();
  }
  return status;
}
