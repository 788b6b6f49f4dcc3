"""Signing in by a real OpenID provider, in real browsers. The two are of different sites: 127.0.0.1 and localhost."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.viewer import Viewer
from tests.support.browsers import in_both_browsers
from tests.support.guests import GuestFactory
from tests.support.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    GROUP,
    PASSWORD,
    STRANGER,
    USER,
    IdentityProvider,
)
from tests.support.portal import Portal, free_port

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

SETTINGS = """
[sign_in]
methods = ["oidc", "token"]

[sign_in.oidc]
issuer = "http://localhost:{port}"
client_id = "{client}"
client_secret_file = "{secret}"
label = "Sign in with Canaille"
scopes = ["openid", "profile", "groups"]

[[access]]
groups = ["{group}"]
domains = ["*"]
role = "control"
"""


@pytest.fixture
def place(start_portal: Callable[..., Portal], tmp_path: Path) -> Iterator[tuple[Portal, IdentityProvider]]:
    """A portal, and the provider that it is a client of."""
    secret, config, port = tmp_path / "oidc-secret", tmp_path / "oidc.toml", free_port()
    secret.touch(mode=0o600)
    secret.write_text(CLIENT_SECRET)
    config.write_text(SETTINGS.format(port=port, client=CLIENT_ID, secret=secret, group=GROUP))
    portal = start_portal(None, "--config", str(config))
    provider = IdentityProvider(tmp_path, port, portal.url)
    yield portal, provider
    provider.close()
    print(f"--- log of the provider\n{provider.log()}")


async def at_the_provider(page: Page, provider: IdentityProvider, user: str) -> None:
    """Go from the portal's login page to the provider and be let in there."""
    await page.get_by_role("link", name="Sign in with Canaille").click()
    await page.wait_for_url(f"{provider.issuer}/**")
    await page.fill("input[name=login]", user)
    await page.click("button[type=submit]")
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")


async def refused(page: Page) -> str:
    """What the page says to somebody whom it does not let in."""
    await expect(page.get_by_role("heading")).to_have_text("Not signed in")
    await expect(page.get_by_role("link", name="Back to sign-in")).to_be_visible()
    return await page.locator("#error").inner_text()


@in_both_browsers
async def test_a_user_of_the_provider_uses_what_the_group_may_and_signs_out_of_both(
    make_guest: GuestFactory, place: tuple[Portal, IdentityProvider], browser: Browser
) -> None:
    portal, provider = place
    guest = make_guest("baremetal")
    portal.wait_console(guest.uuid)
    page = await (await browser.new_context()).new_page()

    await page.goto(f"{portal.url}/console/{guest.uuid}")
    await at_the_provider(page, provider, USER)
    await page.wait_for_url(f"{portal.url}/console/{guest.uuid}")
    viewer = Viewer(page, guest)
    await viewer.wait_known_picture()
    await viewer.type_and_see("KeyA", 0x1E)

    await page.goto(f"{portal.url}/")
    await expect(page.locator(".domain h2")).to_have_text([guest.name])
    await page.click("#sign-out")
    await page.wait_for_url(re.compile(rf"{portal.url}/login(\?.*)?"))
    # Out of the provider too: it asks who it is.
    await at_the_provider(page, provider, STRANGER)
    assert f"You are {STRANGER} here, to whom nothing is granted" in await refused(page)


async def test_what_goes_wrong_is_told_on_a_page(
    place: tuple[Portal, IdentityProvider], browser: Browser
) -> None:
    portal, provider = place
    page = await (await browser.new_context()).new_page()
    back: list[str] = []
    page.on("request", lambda request: back.append(request.url) if "/callback?" in request.url else None)

    await page.goto(f"{portal.url}/login?next=https%3A%2F%2Fevil.example%2F")
    await at_the_provider(page, provider, USER)
    await page.wait_for_url(f"{portal.url}/")  # and not at the other site

    await page.goto(back[0])
    assert "was used already" in await refused(page)
    assert page.url == f"{portal.url}/login/oidc/callback"  # without the code
    await page.goto(f"{portal.url}/login/oidc/callback?code=1&state=wrong")
    assert "sign in again" in await refused(page)
    await page.goto(f"{portal.url}/login/oidc/callback?error=access_denied&error_description=Call%20us")
    assert await refused(page) == "The sign-in provider says that access was denied."
    await page.reload()
    await page.wait_for_url(f"{portal.url}/login")

    provider.close()
    portal.restart()  # it knows nothing of the provider then
    await page.goto(f"{portal.url}/login")
    await page.get_by_role("link", name="Sign in with Canaille").click()
    assert "cannot be reached at present" in await refused(page)
    await page.get_by_role("link", name="Back to sign-in").click()
    await expect(page.locator("#token")).to_be_visible()  # there are other ways
