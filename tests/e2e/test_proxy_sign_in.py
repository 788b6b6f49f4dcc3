"""Signing in by the word of a real nginx, which asks for name and password itself."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.support.nginx import Ports, asking, nginx
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

SETTINGS = """
[portal]
public_url = "{url}"
trusted_proxies = ["127.0.0.1"]

[sign_in]
methods = ["proxy", "token"]

[sign_in.proxy]
from = ["127.0.0.1"]

[[access]]
users = ["alice"]
domains = ["*"]
role = "view"
"""


async def test_whom_nginx_lets_in_is_not_asked_again_and_nobody_passes_for_another(
    start_portal: Callable[..., Portal], browser: Browser, tmp_path: Path
) -> None:
    ports, settings = Ports.free(), tmp_path / "config.toml"
    settings.write_text(SETTINGS.format(url=ports.url))
    portal = start_portal(None, "--config", str(settings))
    with nginx(tmp_path, ports, portal.own.removeprefix("http://"), asking(tmp_path, "alice", "mallory")):
        context = await browser.new_context(
            ignore_https_errors=True, http_credentials={"username": "alice", "password": "alice"}
        )
        page = await context.new_page()
        await page.goto(ports.url)
        await page.wait_for_url(ports.url)
        await expect(page.locator("#live-text")).to_have_text("Live")

        await page.click("#sign-out")
        await page.wait_for_url(f"{ports.url}login")
        await expect(page.locator("#token")).to_be_visible()
        await page.get_by_role("link", name="Sign in as your proxy knows you").click()
        await page.wait_for_url(ports.url)
        await context.close()

        # nginx takes away what a browser sends by that name.
        context = await browser.new_context(
            ignore_https_errors=True,
            http_credentials={"username": "mallory", "password": "mallory"},
            extra_http_headers={"X-Remote-User": "alice"},
        )
        page = await context.new_page()
        await page.goto(ports.url)
        await expect(page.get_by_role("heading")).to_have_text("Not signed in")
        await expect(page.locator("#error")).to_contain_text(
            "You are mallory here, to whom nothing is granted"
        )
        await context.close()
