"""The console page with a session that only notes what it is told."""

from typing import Any

from playwright.async_api import Page

from tests.web.pages import ORIGIN

SET_UP = """async (index) => {
  const [{ ViewerConsoles }, { WindowSize }] = await Promise.all([
    import("/static/app/viewer-consoles.js"), import("/static/app/window-size.js")]);
  const streams = [0, 1, 2, 3].map(() => new MediaStream());
  window.sent = [];
  window.hints = [];
  const session = {
    stream: (section) => streams[section] ?? null,
    open: (console, opened) => { sent.push(["open", console]); opened(); },
    send: (message, console) => sent.push([console, ...message]),
  };
  const render = () => {
    for (const view of consoles.present) view.render(true, consoles.several);
    windowSize.connected = true;
    windowSize.update();
  };
  const handlers = { changed: () => render(), activated() {}, captured() {}, leave() {}, pressed() {}, stats() {} };
  const hint = (text) => hints.push(text);
  const withdraw = (text) => hints.splice(0, hints.length, ...hints.filter((hint) => hint !== text));
  window.consoles = new ViewerConsoles(index, session, { ...handlers, hint, withdraw });
  window.windowSize = new WindowSize(consoles, { hint, done() {} });
  consoles.begin();
  consoles.opened();
}"""
WATCH, RELEASE, RESIZE = 9, 6, 10


async def set_up(page: Page, index: int = 0) -> None:
    """A console page whose session is a fake; `consoles` and `sent` are global there."""
    await page.route(
        "**/app/console.js", lambda route: route.fulfill(content_type="text/javascript", body="")
    )
    await page.goto(f"{ORIGIN}/console/uuid")
    await page.evaluate(SET_UP, index)


async def told(page: Page, message: dict[str, Any], index: int | None) -> None:
    await page.evaluate("([message, index]) => { consoles.receive(message, index); }", [message, index])


async def sent(page: Page, *types: int | str) -> list[list[Any]]:
    """What was sent since the last look, of these types, as [console, type, ...]."""
    found: list[list[Any]] = await page.evaluate("sent.splice(0)")
    return [message for message in found if message[1] in types or (message[0] == "open" and "open" in types)]
