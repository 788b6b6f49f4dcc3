"""The page's end of a stream, in a real browser, with a WebSocket that says what the test does."""

import pytest
from playwright.async_api import Page

from tests.web.pages import run

pytestmark = pytest.mark.browser

SOCKET = """
window.sent = [];
window.WebSocket = class extends EventTarget {
  static OPEN = 1;
  readyState = 1;
  constructor() { super(); window.socket = this; }
  send(bytes) { sent.push([...bytes]); }
  close() { this.readyState = 3; }
  says(type, text) {
    const bytes = new Uint8Array([0, type, ...new TextEncoder().encode(text)]);
    this.dispatchEvent(new MessageEvent("message", { data: bytes.buffer }));
  }
};
window.VideoDecoder = class { static async isConfigSupported({ codec }) { return { supported: codec === "vp8" }; } };
const lost = [];
const transport = new m.WebSocketTransport(0, { message: () => undefined, lost: (reason) => lost.push(reason) });
const opening = transport.connect("/c", new AbortController().signal).then(() => "open", (error) => error.message);
while (!window.socket) await new Promise((resolve) => setTimeout(resolve));
"""
WELCOME, HELLO = 0xC0, 0x40


@pytest.mark.parametrize(
    ("formats", "outcome", "hello"),
    [
        ('["VP9_444", "VP8"]', "open", '{"formats":["VP8"]}'),
        ('["VP9_444"]', "This browser decodes none of the formats", None),
    ],
)
async def test_a_stream_opens_only_where_there_is_a_format_for_this_browser(
    page: Page, formats: str, outcome: str, hello: str | None
) -> None:
    found = await run(
        page,
        "core/websocket-transport.js",
        SOCKET
        + """
        socket.says(a.welcome, `{"formats": ${a.formats}}`);
        const outcome = await opening;
        const hellos = sent.filter((message) => message[1] === a.hello);
        const texts = hellos.map((message) => new TextDecoder().decode(new Uint8Array(message.slice(2))));
        transport.close();
        return { outcome, texts, lost };
        """,
        {"welcome": WELCOME, "hello": HELLO, "formats": formats},
    )
    assert found["outcome"].startswith(outcome) and found["lost"] == []
    assert found["texts"] == ([hello] if hello else [])
