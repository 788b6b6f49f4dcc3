"""A console page in Chromium that is to come back by itself."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Browser

from tests.bench.stage import probe
from tests.e2e.viewer import Viewer, wait_for
from tests.support.guests import Guest
from tests.support.portal import Portal


class ConsolePage:
    """A page that shows a guest's console; it notes when each connection showed its first picture."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    @classmethod
    async def open(cls, browser: Browser, portal: Portal, guest: Guest) -> "ConsolePage":
        """Sign in, click, and wait for a picture."""
        page = await Viewer.sign_in(browser, portal)
        await page.context.add_init_script(probe("connections"))
        await page.goto(portal.url)
        console = cls(await Viewer.click(page, guest))
        await wait_for(console._first_shown(0), "the first picture")
        return console

    async def connections(self) -> int:
        """How many connections the page has made so far."""
        return int(await self.viewer.page.evaluate("window.benchConnections.length"))

    async def back_s(self, began: float, before: int) -> float:
        """Seconds from ``began`` (``time.time``) to the first picture of a connection after the first ``before``."""
        shown = await wait_for(self._first_shown(before), "a picture over a new connection")
        return float(shown) / 1000 - began

    def _first_shown(self, before: int) -> Callable[[], Awaitable[object]]:
        made = f"window.benchConnections.slice({before})"
        return lambda: self.viewer.page.evaluate(f"{made}.find(({{ shown }}) => shown)?.shown")

    async def keeps_picture(self) -> bool:
        """Whether the page still shows the last picture, if need be as it was kept when the connection ended."""
        return bool(
            await self.viewer.page.evaluate(
                """() => document.querySelector("video")?.videoWidth > 0
                    || [...document.querySelectorAll("canvas.still")].some(({ hidden, width }) => !hidden && width)"""
            )
        )
