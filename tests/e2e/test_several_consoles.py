"""A guest with two screens on one page: pictures, input, and screens that are switched off and on."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from examples.guests.comparison import compare
from examples.guests.layout import Pointer, Rgb
from examples.guests.reading import read_key_count, read_keys, read_pointer
from tests.e2e.two_screens import at, two_consoles
from tests.e2e.viewer import Viewer, wait_for
from tests.support.guests import Guest, GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEY_A = 0x1E


def renditions(portal: Portal, guest: Guest, console: int) -> list[dict[str, Any]]:
    return list(portal.get(f"/api/domains/{guest.uuid}/consoles/{console}/stats")["renditions"])


async def test_two_screens_show_and_take_their_own_on_one_connection(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("linux", options="run=still mode=800x600", edit=two_consoles)
    first = await Viewer.watch(browser, portal, guest)
    page, second = first.page, first.on(1)
    await expect(page.locator("#screens")).to_be_visible()
    assert [renditions(portal, guest, 1), await first.handle("consoles[1].showing")] == [[], False]

    # Off until its viewer wants it.
    await page.get_by_role("button", name="Screen 2").click()
    await expect(page.locator(".veil:visible")).to_contain_text("This screen is off")
    await page.get_by_role("button", name="Switch it on").click()
    picture = await second.wait_known_picture()
    assert picture.shape == (676, 1280, 3), "it has the room's size"

    async def first_rests() -> bool:
        return renditions(portal, guest, 0) == []

    await wait_for(first_rests, "the screen behind the other is not encoded")
    await page.get_by_role("button", name="Screens side by side").click()
    await first.wait_known_picture()
    assert not compare(await second.wait_known_picture(), first.nonce).ok

    # Each has its own keyboard and pointer.
    for own, other in ((second, first), (first, second)):
        before = await other.wait_picture(lambda rgb: read_key_count(rgb) is not None, "its keys")
        await own.point_at(300, 400)
        await own.wait_picture(at(300, 400), "the pointer on its own screen")
        await page.mouse.down()
        await own.wait_picture(lambda rgb: (read_pointer(rgb) or Pointer(0, 0)).buttons == 1, "its button")
        await page.mouse.up()
        await own.type_and_see("KeyA", KEY_A)
        after = await other.wait_picture(lambda rgb: True, "the other screen")
        assert read_key_count(after) == read_key_count(before)
    assert read_keys(await _shown(first)) == read_keys(await _shown(second)), "the same key, each its own"

    # The guest switches its second screen off, and on again.
    await page.locator(".stage").first.focus()
    await first.press("F9")
    await expect(page.locator(".veil:visible")).to_contain_text("This screen is off")
    await expect(page.get_by_role("button", name="Screen 2 (off)")).to_be_visible()
    await first.press("F9")
    await expect(page.locator(".veil:visible")).to_have_count(0)
    await second.wait_picture(lambda rgb: compare(rgb, second.nonce).ok, "its picture again")
    assert await first.handle("connections") == 1


async def _shown(viewer: Viewer) -> Rgb:
    return await viewer.wait_picture(lambda rgb: read_keys(rgb) is not None, "its keys")


async def test_a_still_second_screen_costs_nothing(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("linux", options="run=demo mode=800x600", edit=two_consoles)
    first = await Viewer.watch(browser, portal, guest)
    page, second = first.page, first.on(1)
    await page.get_by_role("button", name="Screens side by side").click()
    await page.get_by_role("button", name="Switch it on").click()
    await second.wait_known_picture()

    def frames(console: int) -> int:
        return sum(rendition["frames"] for rendition in renditions(portal, guest, console))

    async def refined() -> bool:
        return [rendition["fps"] for rendition in renditions(portal, guest, 1)] == [0]

    await wait_for(refined, "the second screen is refined and nothing more is sent")
    still, moving = frames(1), frames(0)

    async def moved_on() -> bool:
        return frames(0) > moving + 20

    await wait_for(moved_on, "the first one goes on")
    assert frames(1) == still

    # An address from elsewhere, and no list: only the console itself tells how many screens there are.
    await page.route("**/api/events", lambda route: route.abort())
    await page.evaluate("localStorage.removeItem('libvirt-webrtc.screens')")
    await page.goto(f"{portal.url}/console/{guest.uuid}")
    await second.wait_known_picture()
    assert await first.handle("connections") == 2
    await page.reload()
    await second.wait_known_picture()
    assert await first.handle("connections") == 1
