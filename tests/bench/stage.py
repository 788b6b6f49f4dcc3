"""What a bench runs on: libvirt, a portal, a browser, and demo guests."""

import random
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.bench import world
from tests.support.browsers import BrowserName, launch
from tests.support.emulators import emulators
from tests.support.guests import Guest, GuestFactory, Kind
from tests.support.libvirtd import URI, PrivateLibvirtd, in_private_world
from tests.support.portal import Portal

PROBES = Path(__file__).parent / "probes"

PAUSE_S = (0.3, 0.6)
"""Limits of the pause between two runs, in seconds. It is drawn at random: no run may fall into step with a timer of
the guest's, QEMU's or ours."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line."""

    runs: int
    guest: Kind
    seconds: float
    """How long a bench watches what it has to watch for a time."""
    browser: BrowserName
    transport: str
    """What our page's connection goes over: webrtc, or websocket, which is measured beside WebRTC."""
    size: tuple[int, int]
    """Of the guest's picture, where a bench does not have its own."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs for a bench."""

    options: Options
    portal: Portal
    browser: Browser
    make_guest: GuestFactory
    settings: Path
    """The portal's, empty at first. What is written there counts after SIGHUP."""

    def guest(self, options: str = "") -> Guest:
        """Start a demo guest of the kind that was asked for; returns when its console is ready."""
        guest = self.make_guest(self.options.guest, options=options)
        self.portal.wait_console(guest.uuid)
        return guest


@asynccontextmanager
async def open_stage(options: Options) -> AsyncIterator[Stage]:
    """Start everything, and end it with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if in_private_world() and not world.libvirt_answers():
            stack.enter_context(PrivateLibvirtd(folder))
        factory = GuestFactory(world.guests(), emulators()[0])
        stack.callback(factory.close)
        settings = folder / "settings.toml"
        settings.touch()
        portal = Portal(folder, URI, arguments=("--config", str(settings)))
        stack.callback(portal.close)
        async with async_playwright() as playwright:
            browser = await launch(playwright, options.browser)
            try:
                yield Stage(options, portal, browser, factory, settings)
            finally:
                await browser.close()


def probe(name: str) -> str:
    """Return the script ``probes/NAME.js``, which runs in the page beside the product's own."""
    return (PROBES / f"{name}.js").read_text()


def pause_s() -> float:
    """Return how long to wait before the next run, in seconds."""
    return random.uniform(*PAUSE_S)


def progress(text: str) -> None:
    """Print on standard error how far the bench is."""
    print(text, file=sys.stderr, flush=True)
