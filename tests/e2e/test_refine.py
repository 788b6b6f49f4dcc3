"""Small coloured words become sharp in a real browser, once they stand still."""

import pytest
from playwright.async_api import Browser

from examples.guests.layout import Rgb, dynamic_mask
from examples.guests.picture import expected
from tests.e2e.viewer import Viewer
from tests.support.decibels import as_sharp_as_can_be
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

FINE_DB = 50


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
async def test_coloured_words_become_sharp_after_scrolling(
    make_guest: GuestFactory, portal: Portal, browser: Browser, size: tuple[int, int]
) -> None:
    width, height = size
    guest = make_guest("linux", options=f"mode={width}x{height}")
    viewer = await Viewer.watch(browser, portal, guest)
    want = expected(width, height, int(guest.nonce, 16), words=True)
    static = ~dynamic_mask(width, height, moving="nothing")

    def fine(rgb: Rgb) -> bool:
        return rgb.shape == want.shape and as_sharp_as_can_be(rgb, want, static, FINE_DB)

    await viewer.press("F3")
    await viewer.press("F8")
    await viewer.wait_picture(fine, f"{FINE_DB} dB in red, green and blue")
