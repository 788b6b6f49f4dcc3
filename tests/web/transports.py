"""Transports that do what a test says, in place of the real ones: `webrtc` and `websocket`, global in the page."""

from playwright.async_api import Page, Route

FAKE = """
export class %(name)s {
  kind = "%(kind)s";
  streams = [];
  constructor(...parts) {
    this.handlers = parts.at(-1);
    log.push("%(kind)s made");
    window.%(kind)s = this;
  }
  connect(_url, signal) {
    return new Promise((resolve, reject) => {
      this.opens = resolve;
      this.fails = (text) => reject(new Error(text));
      this.refuses = async (code) => {
        const { SignallingError } = await import("/static/core/signalling.js");
        reject(new SignallingError("refused", "Not now.", 0, code));
      };
    });
  }
  send(message) { log.push(`%(kind)s sent ${[...message]}`); }
  close() { log.push("%(kind)s closed"); }
}
"""


async def fake_transports(page: Page) -> None:
    """For modules that the page loads from now on; what happens to the transports is in `log`."""

    async def fake(route: Route, name: str, kind: str) -> None:
        body = FAKE % {"name": name, "kind": kind}
        await route.fulfill(content_type="text/javascript", body=body)

    async def config(route: Route) -> None:
        await route.fulfill(json={"iceServers": [], "problem": None})

    await page.add_init_script("window.log = []")
    await page.route("**/core/peer.js", lambda route: fake(route, "Peer", "webrtc"))
    await page.route(
        "**/core/websocket-transport.js*", lambda route: fake(route, "WebSocketTransport", "websocket")
    )
    await page.route("**/webrtc-config", config)
