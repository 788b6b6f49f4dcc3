"""nginx in front, set up wrongly in one way each: what the page says then, in a browser."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.networks import networks_from
from libvirt_webrtc.config.portal import PortalConfig, PublicUrl
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.connections import ConnectionLimits
from tests.portal.fakes import TOKEN, FakeAgent, Served
from tests.support.nginx import HOST, Ports, nginx
from tests.support.portal import free_port

pytestmark = pytest.mark.browser

DEADLINE_MS = 30_000
SAID_MS = 15_000

Change = Callable[[str], str]


def without(*headers: str) -> Change:
    """The configuration without these lines of ``proxy_set_header``."""
    pattern = rf"^ *proxy_set_header (?:{'|'.join(headers)}) .*\n"
    return lambda text: re.sub(pattern, "", text, flags=re.M)


def instead(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


ALL = ("Host", "X-Forwarded-For", "X-Forwarded-Proto")

ON_THE_PAGE: dict[str, tuple[Change, list[str]]] = {
    "the host is not passed on": (
        without("Host"),
        ["Host", "127.0.0.1:", "proxy_set_header Host $http_host;"],
    ),
    "nor the client": (
        without("X-Forwarded-For"),
        ["X-Forwarded-For", "not at all", "$proxy_add_x_forwarded_for;"],
    ),
    "nor the scheme": (without("X-Forwarded-Proto"), ["X-Forwarded-Proto", "not at all", "$scheme;"]),
    "the folder is another one, passed on as it is": (
        lambda text: instead("/console/ {", "/vm/ {")(instead(":8080/;", ":8080;")(text)),
        ["The portal's folder is /console/", "location /console/"],
    ),
    "a slash is missing": (instead("/console/ {", "/console {"), ["There is nothing at //login"]),
}

WHEN_SIGNING_IN: dict[str, tuple[Change, list[str]]] = {
    "nothing is passed on": (
        without(*ALL),
        ["Host arrived as '127.0.0.1:", "proxy_set_header Host $http_host;"],
    ),
    "the origin is another one": (
        instead(
            "proxy_set_header Upgrade", "proxy_set_header Origin http://127.0.0.1;\nproxy_set_header Upgrade"
        ),
        ["Origin arrived as 'http://127.0.0.1'", "no proxy_set_header Origin"],
    ),
    "the origin is taken away": (
        instead("proxy_set_header Upgrade", 'proxy_set_header Origin "";\nproxy_set_header Upgrade'),
        ["Origin is missing"],
    ),
    "the folder is another one": (
        instead("/console/ {", "/vm/ {"),
        ["Referer arrived as", "/vm/login", "location /console/ {"],
    ),
}


@pytest.fixture
def ports() -> Ports:
    return Ports.free()


@pytest.fixture
async def portal(ports: Ports) -> AsyncIterator[str]:
    """A portal with the real pages; its address."""
    public = PortalConfig(PublicUrl.parse(ports.url, "here"), networks_from(["127.0.0.1"], "here"))
    app = create_app(FakeAgent(), Config(portal=public), TOKEN)
    async with Served(app, ConnectionLimits()) as server:
        yield f"127.0.0.1:{server.port}"


async def tab(browser: Browser) -> Page:
    page = await (await browser.new_context(ignore_https_errors=True)).new_page()
    page.set_default_timeout(DEADLINE_MS)
    return page


async def sign_in(page: Page, url: str) -> None:
    await page.goto(f"{url}login")
    await page.locator("#token").fill(TOKEN)
    await page.locator("#token").press("Enter")


async def test_a_page_says_what_of_the_set_up_does_not_fit(
    tmp_path: Path, browser: Browser, portal: str, ports: Ports
) -> None:
    page = await tab(browser)
    for fault, (change, told) in ON_THE_PAGE.items():
        with nginx(tmp_path, ports, portal, change):
            folder = "/vm/" if "the folder is another" in fault else "/console/"
            await page.goto(f"https://{HOST}:{ports.tls}{folder}login")
            for text in told:
                await expect(page.locator("main"), fault).to_contain_text(text)


async def test_a_sign_in_says_what_of_the_set_up_does_not_fit(
    tmp_path: Path, browser: Browser, portal: str, ports: Ports
) -> None:
    page = await tab(browser)
    for fault, (change, told) in WHEN_SIGNING_IN.items():
        with nginx(tmp_path, ports, portal, change):
            folder = "/vm/" if "the folder is another" in fault else "/console/"
            await sign_in(page, f"https://{HOST}:{ports.tls}{folder}")
            for text in told:
                await expect(page.locator("#error"), fault).to_contain_text(text)


async def test_plain_http_goes_on_to_https_and_a_proxy_that_lets_it_in_is_told(
    tmp_path: Path, browser: Browser, portal: str, ports: Ports
) -> None:
    page = await tab(browser)
    plain = f"http://{HOST}:{ports.plain}/console/login"
    with nginx(tmp_path, ports, portal):
        await page.goto(plain)
        assert page.url == f"{ports.url}login"
    another = free_port()
    both = instead("listen 443 ssl;", f"listen 443 ssl; listen 127.0.0.1:{another};")
    with nginx(tmp_path, ports, portal, both):
        await page.goto(plain.replace(str(ports.plain), str(another)))
        await expect(page.locator("main")).to_contain_text("X-Forwarded-Proto")
        await expect(page.locator("main")).to_contain_text("return 308 https://")


async def test_events_that_are_held_back_are_told_and_the_list_is_asked_for(
    tmp_path: Path, browser: Browser, portal: str, ports: Ports
) -> None:
    page = await tab(browser)
    with nginx(
        tmp_path,
        ports,
        portal,
        instead("proxy_http_version", "proxy_ignore_headers X-Accel-Buffering;\nproxy_http_version"),
    ):
        await sign_in(page, ports.url)
        await expect(page.locator(".domain h2")).to_have_text(["demo"], timeout=SAID_MS)
        await expect(page.locator("#held-back")).to_contain_text("proxy_buffering off;", timeout=SAID_MS)
        await expect(page.locator("#live-text")).to_have_text("Not live")
