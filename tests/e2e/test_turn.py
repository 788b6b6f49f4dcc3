"""Viewers behind a real TURN server, and with one at an address where nobody is, as after a mistake."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.e2e.viewer import DEADLINE_S, Viewer, wait_for
from tests.support.browsers import launch
from tests.support.far_host import NEAR4, FarHost, far_host
from tests.support.guests import GuestFactory
from tests.support.libvirtd import URI
from tests.support.portal import Portal
from tests.support.short_credentials import VARIABLE
from tests.support.turn import make_certificate, turn_server

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

NOBODY = "192.0.2.77"
"""In the network of the tests' own card, and no machine's."""

SECRET = "of-this-test-alone"
CREDENTIALS_LAST_S = 12
RELAY_LASTS_S = 6
"""Each relay is refreshed before that, by the browser and by the worker."""


def environment(policy: str) -> dict[str, str]:
    return {
        "QEMU_WEBRTC_TURN_HOST": NOBODY,
        "QEMU_WEBRTC_TURN_CREDENTIAL": "secret",
        "QEMU_WEBRTC_ICE_TRANSPORT_POLICY": policy,
    }


@pytest.fixture
def host() -> Iterator[FarHost]:
    """A host that reaches nobody by UDP but a TURN server, if that."""
    with far_host() as made:
        yield made


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """For what the worker's user reads too; pytest's own folders are for root."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
async def trusting_browser() -> AsyncIterator[Browser]:
    """Takes the certificate of the tests' TURN server."""
    async with async_playwright() as playwright:
        running = await launch(playwright, "chromium", flags=["--ignore-certificate-errors"])
        yield running
        await running.close()


async def test_where_only_the_relay_is_allowed_the_page_says_what_to_check(
    make_guest: GuestFactory, start_portal: Callable[..., Portal], browser: Browser
) -> None:
    guest = make_guest()
    portal = start_portal(environment("relay"))
    portal.wait_console(guest.uuid)
    page = await Viewer.sign_in(browser, portal)
    await page.goto(f"{portal.url}/console/{guest.uuid}?transport=webrtc")
    await expect(page.locator("#notice-text")).to_contain_text(
        "check the TURN server", timeout=1000 * DEADLINE_S
    )


async def test_where_other_ways_are_allowed_the_picture_comes_without_it(
    make_guest: GuestFactory, start_portal: Callable[..., Portal], browser: Browser
) -> None:
    await Viewer.watch(browser, start_portal(environment("all")), make_guest())


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_by_the_second_relay_with_credentials_that_end_the_picture_goes_on(
    way: str,
    host: FarHost,
    make_guest: GuestFactory,
    trusting_browser: Browser,
    tmp_path: Path,
    open_folder: Path,
) -> None:
    """The first server is dead; both sides have relays at the second, since neither reaches the other by UDP."""
    certificate = make_certificate(open_folder, NEAR4)
    certificate.chmod(0o644)
    only = ["-p", "udp", "!", "--dport", "3478"] if way == "udp" else ["-p", "udp"]
    with turn_server(
        tmp_path,
        secret=SECRET,
        max_lifetime_s=RELAY_LASTS_S,
        host=NEAR4,
        relay=NEAR4,
        certificate=certificate,
    ) as port:
        if way == "udp":
            only[-1] = str(port)
        host.run("iptables", "-A", "OUTPUT", "!", "-o", "lo", *only, "-j", "DROP")
        query = "" if way == "tls" else f"?transport={way}"
        scheme = "turns" if way == "tls" else "turn"
        urls = [f"{scheme}:{address}{query}" for address in (NOBODY, f"{NEAR4}:{port}")]
        settings = tmp_path / "config.toml"
        settings.write_text(
            f'[ice]\nsecret = "{SECRET}"\nservers = [{{urls = {json.dumps(urls)}}}]\ntransport_policy = "relay"\n'
        )
        given = {"SSL_CERT_FILE": str(certificate), VARIABLE: str(CREDENTIALS_LAST_S)}
        prefix = (*host.prefix, *host.short_credentials)
        portal = Portal(tmp_path, URI, given, ["--config", str(settings)], prefix=prefix)
        try:
            viewer = await Viewer.open_over("webrtc", trusting_browser, portal, make_guest())
            await viewer.wait_known_picture()
            await viewer.page.locator("#stats-toggle").click()

            async def path() -> object:
                figures = await viewer.handle("figures")
                return figures and figures["path"]

            assert await wait_for(path, "the overlay tells the path") == (
                f"WebRTC: relay, {way.upper()} to it, and the server’s own relay, IPv4"
            )
            await asyncio.sleep(CREDENTIALS_LAST_S + RELAY_LASTS_S)
            await viewer.type_and_see("KeyA", 0x1E)
            assert await viewer.handle("connections") == 1
            assert SECRET not in portal.log.read_text()
        finally:
            portal.close()
            print(portal.log.read_text())
