"""A person at the portal, in a headless browser."""

import asyncio
import base64
import io
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from PIL import Image
from playwright.async_api import Browser, Page

from examples.guests.comparison import compare
from examples.guests.layout import Rgb
from examples.guests.reading import read_key_count, read_keys
from tests.support.portal import Portal
from tests.support.waiting import NeverHappened

DEADLINE_S = 60.0
"""The limit of every wait, in seconds: long enough for a loaded machine with emulated guests. Nothing is measured by
it."""
POLL_S = 0.1

_GRAB = """(index) => {
  const { video, picture, size } = window.libvirtWebRTC.consoles[index] ?? {};
  const drawn = picture?.width > 0;
  if (!size || (!drawn && video.readyState < 2)) return null;
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  canvas.getContext("2d").drawImage(drawn ? picture : video, 0, 0);
  return {
    png: canvas.toDataURL("image/png"),
    encoded: drawn ? [picture.width, picture.height] : [video.videoWidth, video.videoHeight],
  };
}"""


class Shown(Protocol):
    """A demo guest that the portal lists."""

    @property
    def uuid(self) -> str: ...

    @property
    def nonce(self) -> str:
        """As in :class:`tests.support.guests.Guest`, which is one."""


class Viewer:
    """One browser tab that looks at one guest's console, or at one of its screens."""

    def __init__(self, page: Page, guest: Shown, console: int = 0) -> None:
        self.page = page
        self.guest = guest
        self.console = console
        self.encoded = (0, 0)
        """Size of the video, as decoded, of the last picture; the padding of odd sizes included."""

    @classmethod
    async def sign_in(cls, browser: Browser, portal: Portal, url: str | None = None, **context: Any) -> Page:
        """A tab that shows the list, signed in by typing the token as a person would; ``url`` is a proxy's."""
        page = await (await browser.new_context(**context)).new_page()
        await page.goto(url or portal.url)
        await page.locator("#token").fill(portal.token)
        await page.locator("#submit").click()
        await page.wait_for_url(lambda url: "/login" not in url)
        return page

    @classmethod
    async def open(cls, browser: Browser, portal: Portal, guest: Shown, **context: Any) -> "Viewer":
        """Sign in, and click on the guest in the list as soon as it can be opened."""
        portal.wait_console(guest.uuid)
        page = await cls.sign_in(browser, portal, **context)
        return await cls.click(page, guest)

    @classmethod
    async def open_over(
        cls, transport: str, browser: Browser, portal: Portal, guest: Shown, **context: Any
    ) -> "Viewer":
        """As :meth:`open`, where this transport was chosen before."""
        portal.wait_console(guest.uuid)
        page = await cls.sign_in(browser, portal, **context)
        await page.evaluate("choice => localStorage.setItem('libvirt-webrtc.transport', choice)", transport)
        return await cls.click(page, guest)

    @classmethod
    async def watch(cls, browser: Browser, portal: Portal, guest: Shown) -> "Viewer":
        """As :meth:`open`, and wait until the guest's known picture is there."""
        viewer = await cls.open(browser, portal, guest)
        await viewer.wait_known_picture()
        return viewer

    @classmethod
    async def click(cls, page: Page, guest: Shown) -> "Viewer":
        """Click on the guest in the list that ``page`` shows."""
        await page.locator(f"a[href$='/console/{guest.uuid}']").first.click()
        await page.wait_for_url(f"**/console/{guest.uuid}")
        viewer = cls(page, guest)
        await viewer.wait_state("connected")
        return viewer

    def on(self, console: int) -> "Viewer":
        """The same tab, and another of the guest's screens, which must be on the page for its picture to be seen."""
        return Viewer(self.page, self.guest, console)

    @property
    def nonce(self) -> int:
        """What this screen's picture shows."""
        return int(self.guest.nonce, 16) + self.console

    async def handle(self, name: str) -> Any:
        """A property of the page's scripting handle."""
        return await self.page.evaluate(f"window.libvirtWebRTC?.{name}")

    async def wait_state(self, state: str) -> None:
        """Wait for the connection's state, as the page names it."""

        async def reached() -> bool:
            return bool(await self.handle("state") == state)

        await wait_for(reached, f"the page is {state}")

    async def picture(self) -> Rgb | None:
        """What the video shows now, in the guest's pixels; None before the first frame."""
        grabbed = await self.page.evaluate(_GRAB, self.console)
        if grabbed is None:
            return None
        self.encoded = tuple(grabbed["encoded"])
        png = base64.b64decode(grabbed["png"].partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    async def wait_picture(self, wanted: Callable[[Rgb], object], what: str) -> Rgb:
        """The first picture that is as wanted."""

        async def found() -> Rgb | None:
            picture = await self.picture()
            return picture if picture is not None and wanted(picture) else None

        picture: Rgb = await wait_for(found, what)
        return picture

    async def wait_known_picture(self) -> Rgb:
        """The guest's known picture, its nonce included."""
        return await self.wait_picture(
            lambda rgb: compare(rgb, self.nonce).ok, "the known picture with its nonce"
        )

    async def press(self, code: str) -> None:
        """Press and release one key on the page, as ``KeyboardEvent.code`` names it."""
        await self.page.keyboard.press(code)

    async def type_and_see(self, code: str, qnum: int) -> Rgb:
        """Press a key, and wait until the guest shows that it went down and up."""
        before = await self.wait_picture(lambda rgb: read_key_count(rgb) is not None, "the key row")
        count = read_key_count(before)
        assert count is not None
        await self.press(code)

        def seen(rgb: Rgb) -> bool:
            keys, now = read_keys(rgb), read_key_count(rgb)
            return (
                keys is not None and now == (count + 2) % 65536 and keys[-2:] == [(qnum, True), (qnum, False)]
            )

        return await self.wait_picture(seen, f"the guest shows key {qnum:#x}")

    async def point_at(self, x: int, y: int) -> None:
        """Move the real pointer over this pixel of the guest's picture.

        To a whole CSS pixel, as a mouse does; WebDriver BiDi would round a fraction, and not always down.
        """
        box = await self.page.locator(".screen").nth(self.console).bounding_box()
        size = await self.handle(f"consoles[{self.console}].size")
        assert box is not None
        await self.page.mouse.move(
            math.floor(box["x"] + (x + 0.5) * box["width"] / size["width"]),
            math.floor(box["y"] + (y + 0.5) * box["height"] / size["height"]),
        )


async def wait_for(probe: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """The first value of an asynchronous ``probe`` that is not None or False."""
    value = None
    try:
        async with asyncio.timeout(deadline_s):
            while value is None or value is False:
                value = await probe()
                if value is None or value is False:
                    await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise NeverHappened(f"{what}: not within {deadline_s:g} s") from None
    return value
