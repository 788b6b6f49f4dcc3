"""The browsers that tests and benches drive, headless, by Playwright: Debian's Chromium and Debian's Firefox.

Playwright speaks Chromium's own protocol to the one and WebDriver BiDi to the other (its channel ``moz-firefox``), so
that nothing but the browsers themselves has to be installed.
"""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Error, Page, Playwright

from tests.support.waiting import POLL_S, NeverHappened

BrowserName = Literal["chromium", "firefox"]
BROWSERS: tuple[BrowserName, ...] = ("chromium", "firefox")
PROGRAMS: dict[BrowserName, str] = {"chromium": "chromium", "firefox": "firefox-esr"}

in_both_browsers = pytest.mark.parametrize("browser", BROWSERS, indirect=True)
"""Marks a test whose fixture ``browser`` is to be each of the two."""

FIREFOX_MIN = 153
"""The oldest that was tried and works. 140 does not know a command of WebDriver BiDi that Playwright sends to every new
browser (``network.addDataCollector``)."""

CHROMIUM_FLAGS = [
    "--headless=new",
    "--no-sandbox",  # the tests run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def program(name: BrowserName) -> str | None:
    """Return the path of a browser; None where it is not installed."""
    return shutil.which(PROGRAMS[name])


def why_not(name: BrowserName) -> str | None:
    """Why tests cannot drive a browser here, for ``pytest.skip()``; None: they can."""
    path = program(name)
    if path is None:
        return f"needs {PROGRAMS[name]}: run tests/run.sh as root"
    if name == "firefox":
        told = subprocess.check_output([path, "--version"], text=True, stderr=subprocess.DEVNULL)
        version = re.search(r"\d+", told)
        if version is None or int(version[0]) < FIREFOX_MIN:
            return (
                f"needs Firefox {FIREFOX_MIN}, and this is {told.strip()}: Debian's security updates bring it"
            )
    return None


async def launch(
    playwright: Playwright,
    name: BrowserName,
    executable: Path | None = None,
    preferences: Mapping[str, bool | float | str] | None = None,
    flags: Sequence[str] = (),
) -> Browser:
    """Start a browser, which its ``close()`` ends.

    ``executable`` is started in place of the installed browser; ``preferences`` are Firefox's, as in about:config, and
    ``flags`` are for Chromium, beside those that it always gets.
    """
    path = executable or program(name)
    if name == "chromium":
        return await playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, *flags])
    return await playwright.firefox.launch(
        channel="moz-firefox", executable_path=path, firefox_user_prefs=dict(preferences or {})
    )


async def until_true(page: Page, expression: str, argument: object = None, deadline_s: float = 30.0) -> None:
    """Wait until a page's expression is true, over navigations too.

    Playwright's ``wait_for_function`` does not do: it looks again from within the page, by ``eval``, which our pages'
    Content Security Policy forbids; only its first look is exempt.

    Raises:
        NeverHappened: it was not true within ``deadline_s``, which only guards against waiting for ever.
    """
    end = time.monotonic() + deadline_s
    while True:
        failed: Error | None = None
        try:
            if await page.evaluate(expression, argument):
                return
        except Error as error:  # Between two documents.
            failed = error
        if time.monotonic() > end:
            raise NeverHappened(f"{expression}: not within {deadline_s:g} s") from failed
        await asyncio.sleep(POLL_S)
