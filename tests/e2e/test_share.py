"""Share links and API tokens, with real guests: a link is made in one browser and opened in another."""

import subprocess
import sys

import pytest
from playwright.async_api import Browser, Page, expect

from examples.guests.reading import read_key_count
from tests.e2e.viewer import DEADLINE_S, Viewer, wait_for
from tests.e2e.whep import playing
from tests.support.browsers import in_both_browsers
from tests.support.guests import Guest, GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEY_A = 0x1E
WAIT_MS = DEADLINE_S * 1000


async def make_link(maker: Viewer, *, role: str, once: bool = False) -> str:
    """A link's address, made by clicking."""
    page = maker.page
    if await page.locator("#share").is_hidden():
        await page.locator("#share-toggle").click()
    await expect(page.locator("#share-make")).to_be_enabled(timeout=WAIT_MS)
    await page.locator("#share-role").select_option(role)
    await page.locator("#share-once").set_checked(once)
    before = await page.locator("#share-address").input_value()
    await page.locator("#share-make").click()
    await expect(page.locator("#share-address")).not_to_have_value(before, timeout=WAIT_MS)
    return await page.locator("#share-address").input_value()


async def follow(browser: Browser, link: str) -> Page:
    """Somebody who got the link, in a browser of their own; with the button not pressed yet."""
    page = await (await browser.new_context()).new_page()
    await page.goto(link)
    return page


async def open_link(browser: Browser, link: str, guest: Guest) -> Viewer:
    page = await follow(browser, link)
    await page.locator("#open").click()
    await page.wait_for_url(f"**/console/{guest.uuid}?link=*")
    viewer = Viewer(page, guest)
    await viewer.wait_known_picture()
    return viewer


@in_both_browsers
async def test_links_are_made_opened_used_and_revoked(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest()
    maker = await Viewer.watch(browser, portal, guest)
    user = await open_link(browser, await make_link(maker, role="control"), guest)
    once = await make_link(maker, role="view", once=True)
    seer = await open_link(browser, once, guest)

    # Nothing of the link is left in the address, and there is no way to the list.
    assert "#" not in seer.page.url
    for hidden in ("#home", "#share-toggle"):
        await expect(seer.page.locator(hidden)).to_be_hidden()
    page = await seer.page.context.new_page()
    await page.goto(portal.url)
    await page.wait_for_url("**/login?*")
    await page.close()

    # The link is as good over the portal's own port.
    await seer.page.goto(f"{seer.page.url}&transport=websocket")
    await seer.wait_known_picture()
    assert await seer.handle("transport") == "websocket"

    # Both see what only one of them types.
    await user.page.bring_to_front()
    seen = await user.type_and_see("KeyA", KEY_A)
    await seer.wait_picture(lambda rgb: read_key_count(rgb) == read_key_count(seen), "the other's key")
    await seer.page.bring_to_front()
    await seer.page.locator("#stage").focus()
    await seer.press("KeyB")
    await user.page.bring_to_front()
    seen = await user.type_and_see("KeyA", KEY_A)
    await seer.wait_picture(lambda rgb: read_key_count(rgb) == read_key_count(seen), "no key of its own")

    # One that is used up says so, without a console.
    late = await follow(browser, once)
    await late.locator("#open").click()
    await expect(late.locator("#title")).to_have_text("This link opens nothing", timeout=WAIT_MS)
    await expect(late.locator("#text")).to_contain_text("for one use")

    # The maker takes the other one back: its page says so, and stays where it is.
    row = maker.page.locator("#share-list li", has_text="See and use")
    await row.locator("button").click()
    await expect(user.page.locator("#notice-title")).to_have_text(
        "The link to this console has ended", timeout=WAIT_MS
    )
    assert "/console/" in user.page.url
    await user.page.reload()
    await expect(user.page.locator("#text")).to_contain_text("it was revoked", timeout=WAIT_MS)
    await expect(row).to_have_count(0)
    assert await seer.handle("state") == "connected"


async def test_a_program_with_an_api_token_watches_until_it_is_revoked(
    make_guest: GuestFactory, portal: Portal
) -> None:
    guest, other = make_guest(), make_guest(start=False)
    portal.wait_console(guest.uuid)
    admin = portal.token
    portal.token = token("create", "ci", "--domain", guest.name).strip()
    try:
        assert [domain["uuid"] for domain in portal.get("/api/domains")["domains"]] == [guest.uuid]
        async with playing(portal, guest) as player:
            await player.wait_known_picture()
            async with player.http.post(f"/api/domains/{other.uuid}/consoles/0/whep", data=b"") as response:
                assert response.status == 404
            token("revoke", "ci")

            async def ended() -> bool:
                return player.connection.connectionState in ("closed", "failed", "disconnected")

            await wait_for(ended, "the player's connection is over")
            async with player.http.get("/api/domains") as response:
                assert response.status == 401
    finally:
        portal.token = admin


def token(*arguments: str) -> str:
    """Run ``libvirt-webrtc token``; what it printed."""
    command = [sys.executable, "-m", "libvirt_webrtc", "token", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
