"""Screens beyond what browsers decode as H.264: shown all the same, and pointed at rightly."""

from collections.abc import Callable

import pytest
from playwright.async_api import Browser, expect

from examples.guests.comparison import compare
from examples.guests.layout import Rgb
from examples.guests.reading import read_nonce, read_pointer
from tests.e2e.viewer import Viewer, wait_for
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

WIDTH, HEIGHT = 4096, 2400
"""38,400 macroblocks; libwebrtc drops H.264 of more than 36,864."""

SLOW_S = 180.0
"""The limit of the wait for a picture that takes a second to be read from the page, on an idle machine."""


def large_guest(xml: str) -> str:
    """Room for a scanout of 39 MB, and what the kernel copies of it."""
    return xml.replace("<memory unit='MiB'>128</memory>", "<memory unit='MiB'>512</memory>")


@pytest.mark.parametrize(("codecs", "factor"), [("h264,vp8", 1), ("h264", 2)])
async def test_a_screen_beyond_h264s_largest_is_shown_and_pointed_at_rightly(
    make_guest: GuestFactory, start_portal: Callable[..., Portal], browser: Browser, codecs: str, factor: int
) -> None:
    portal = start_portal(None, "--codecs", codecs)
    guest = make_guest("linux", options=f"mode={WIDTH}x{HEIGHT} run=still", edit=large_guest)
    viewer = await Viewer.open(browser, portal, guest)
    nonce = int(guest.nonce, 16)

    def as_sent(rgb: Rgb) -> Rgb:
        """The grabbed picture has the guest's size; what was sent lies at its top left."""
        return rgb[: HEIGHT // factor, : WIDTH // factor].repeat(factor, 0).repeat(factor, 1)

    async def known() -> bool:
        rgb = await viewer.picture()
        if (
            rgb is None
            or rgb.shape != (HEIGHT, WIDTH, 3)
            or viewer.encoded != (WIDTH // factor, HEIGHT // factor)
        ):
            return False
        if factor > 1:
            return read_nonce(as_sent(rgb), (WIDTH, HEIGHT)) == nonce
        return compare(rgb, nonce).ok

    async def sent() -> bool:
        width = await viewer.page.evaluate("document.querySelector('video').videoWidth")
        return bool(width == WIDTH // factor)

    # Before a picture is taken, which is slow at this size.
    await wait_for(sent, f"a video {WIDTH // factor} pixels wide")
    await wait_for(known, "the known picture", SLOW_S)
    sentence = "pixels are more than this browser shows as video: you see half the width and height."
    if factor > 1:
        await expect(viewer.page.locator("#hint")).to_contain_text(sentence)
    else:
        await expect(viewer.page.locator("#hint")).not_to_contain_text(sentence)
    for x, y in ((WIDTH - 200, HEIGHT - 300), (300, 200)):
        await viewer.point_at(x, y)
        box = await viewer.page.locator(".screen").bounding_box()
        assert box is not None
        pixel = WIDTH / box["width"]  # of the guest, for one of the page

        def pointed(rgb: Rgb, x: int = x, y: int = y, pixel: float = pixel) -> bool:
            at = read_pointer(as_sent(rgb))
            return at is not None and abs(at[0] - x) <= pixel + 1 and abs(at[1] - y) <= pixel + 1

        await viewer.wait_picture(pointed, f"the pointer at {x}, {y}")
    assert await viewer.handle("connections") == 1
