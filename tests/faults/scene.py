"""What a scenario runs on: a libvirtd of its own, demo guests, a portal, and a browser where it asks for one."""

import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from libvirt_webrtc.config.load import STATE_VARIABLE
from tests.bench import world
from tests.support.browsers import launch
from tests.support.emulators import emulators
from tests.support.guests import Guest, GuestFactory
from tests.support.libvirtd import URI, PrivateLibvirtd
from tests.support.portal import Portal


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that runs for a scenario; what it starts by these is ended with it."""

    folder: Path
    libvirtd: PrivateLibvirtd
    make_guest: GuestFactory
    long: bool
    """Whether a scenario may take minutes, with larger numbers."""
    _stack: AsyncExitStack

    def start_portal(
        self,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        folder: Path | None = None,
    ) -> Portal:
        """Start ``serve``; ``folder`` gets its log."""
        settings = {STATE_VARIABLE: str(self.folder / "state"), **(environment or {})}
        portal = Portal(folder or self.folder, URI, settings, arguments)
        self._stack.callback(portal.close)
        return portal

    async def start_browser(self) -> Browser:
        """Start Chromium."""
        playwright = await self._stack.enter_async_context(async_playwright())
        browser = await launch(playwright, "chromium")
        self._stack.push_async_callback(browser.close)
        return browser

    def guest(self, portal: Portal, options: str = "run=motion") -> Guest:
        """Start a small demo guest, by default one whose picture changes all the time; its console is ready then."""
        guest = self.make_guest(options=options)
        portal.wait_console(guest.uuid)
        return guest


@asynccontextmanager
async def open_scene(*, long: bool) -> AsyncIterator[Scene]:
    """Start everything, and end it with the block."""
    with ExitStack() as outer:
        folder = Path(outer.enter_context(tempfile.TemporaryDirectory()))
        libvirtd = outer.enter_context(PrivateLibvirtd(folder))
        factory = GuestFactory(world.guests(), emulators()[0])
        outer.callback(factory.close)
        async with AsyncExitStack() as stack:
            yield Scene(folder, libvirtd, factory, long, stack)


def progress(text: str) -> None:
    """Print on standard error how far the rig is."""
    print(text, file=sys.stderr, flush=True)
