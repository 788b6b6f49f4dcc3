"""The main job through nginx: another host name, its TLS, in a folder of a site."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.viewer import DEADLINE_S, Viewer
from tests.support.guests import GuestFactory
from tests.support.nginx import FOLDER, HOST, Ports, nginx
from tests.support.portal import Portal

KEY_A = 0x1E

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]


@pytest.mark.parametrize(
    ("browser", "keeps_folder"),
    [("chromium", False), ("firefox", True)],
    ids=["chromium, folder taken away", "firefox, folder passed on"],
    indirect=["browser"],
)
async def test_a_guest_is_seen_and_typed_at_through_nginx(
    make_guest: GuestFactory,
    start_portal: Callable[..., Portal],
    browser: Browser,
    tmp_path: Path,
    keeps_folder: bool,
) -> None:
    ports = Ports.free()
    settings = tmp_path / "config.toml"
    settings.write_text(f'[portal]\npublic_url = "{ports.url}"\ntrusted_proxies = ["127.0.0.1"]\n')
    portal = start_portal(None, "--config", str(settings))
    authority = portal.own.removeprefix("http://")

    def change(text: str) -> str:
        return text.replace(":8080/;", ":8080;") if keeps_folder else text

    with nginx(tmp_path, ports, authority, change):
        page = await Viewer.sign_in(browser, portal, ports.url, ignore_https_errors=True)
        assert page.url == ports.url
        cookies = [cookie for cookie in await page.context.cookies() if "libvirt-webrtc" in cookie["name"]]
        assert [(one["name"], one["path"], one["secure"], one["domain"]) for one in cookies] == [
            (f"__Secure-libvirt-webrtc-{ports.tls}", FOLDER, True, HOST)
        ]

        # The list is live: this guest was not there when the page was opened.
        await expect(page.locator("#live-text")).to_have_text("Live")
        guest = make_guest()
        viewer = await Viewer.click(page, guest)
        await viewer.wait_known_picture()
        await viewer.type_and_see("KeyA", KEY_A)

        # The same over a WebSocket, through the proxy.
        await page.goto(f"{ports.url}console/{guest.uuid}?transport=websocket")
        await viewer.wait_state("connected")
        assert await viewer.handle("transport") == "websocket"
        await viewer.wait_known_picture()
        await viewer.type_and_see("KeyA", KEY_A)

        # Back to the list, out, and to the console's page by way of the sign-in.
        await page.locator("#bar a.tool").click()
        await page.wait_for_url(ports.url)
        await page.locator("#sign-out").click()
        await page.wait_for_url(f"{ports.url}login")
        await page.goto(f"{ports.url}console/{guest.uuid}")
        await page.locator("#token").fill(portal.token)
        await page.locator("#token").press("Enter")
        await page.wait_for_url(f"{ports.url}console/{guest.uuid}", timeout=DEADLINE_S * 1000)
        await viewer.wait_state("connected")
        await page.context.close()
