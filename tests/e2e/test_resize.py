"""The guest's picture follows the page's size."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Browser, expect

from examples.guests.comparison import compare
from examples.guests.layout import Rgb
from tests.bench.usage import descriptors, memory_mb
from tests.e2e.viewer import Viewer
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

BAR = 44
"""The toolbar's height, CSS pixels."""
SIZES = [(800 + 37 * (7 * step % 20), 600 + 23 * (3 * step % 20)) for step in range(20)]
"""Odd ones and even ones, growing and shrinking."""
GROWTH_MB = 64
"""12 and 33 MB were seen, up and down; one pipeline that stays behind for each size would be several times as much."""
OWN = ("Private_Clean", "Private_Dirty")


async def test_a_window_resized_twenty_times_is_followed_exactly_and_nothing_leaks(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("linux", options="run=still")
    viewer = await Viewer.watch(browser, portal, guest)
    worker = portal.wait_console(guest.uuid)["worker_pid"]
    nonce = int(guest.nonce, 16)
    await viewer.page.locator("#resize").click()

    async def follow(width: int, height: int) -> None:
        def followed(rgb: Rgb) -> bool:
            return rgb.shape == (height, width, 3) and compare(rgb, nonce).ok

        await viewer.page.set_viewport_size({"width": width, "height": height + BAR})
        await viewer.wait_picture(followed, f"the guest is {width}x{height}")

    for size in SIZES:  # Until what is kept for repetition is full.
        await follow(*size)
    fds, memory, qemu_fds = descriptors(worker), memory_mb(worker, *OWN), descriptors(guest.pid)
    for size in SIZES:
        await follow(*size)
    grown = memory_mb(worker, *OWN) - memory
    print(
        f"worker: {fds} to {descriptors(worker)} descriptors, {grown:+.1f} MB; QEMU: {qemu_fds} to", end=" "
    )
    print(descriptors(guest.pid))
    assert descriptors(worker) <= fds
    assert descriptors(guest.pid) <= qemu_fds
    assert grown < GROWTH_MB
    assert await viewer.handle("connections") == 1


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2])
async def test_a_pixel_of_the_guest_is_one_of_the_screen(
    make_guest: GuestFactory, portal: Portal, browser: Browser, ratio: float
) -> None:
    guest = make_guest("linux", options="run=still")
    window = {"width": 820, "height": 601 + BAR}
    viewer = await Viewer.open(browser, portal, guest, viewport=window, device_scale_factor=ratio)
    await viewer.wait_known_picture()
    await viewer.page.locator("#resize").click()
    width, height = round(820 * ratio), round(601 * ratio)
    await viewer.wait_picture(
        lambda rgb: rgb.shape == (height, width, 3) and compare(rgb, int(guest.nonce, 16)).ok,
        "the window's size",
    )
    await expect(viewer.page.locator("#screen")).to_have_class("screen crisp")
    # While the guest's driver starts, its pointer is a mouse for a moment, and the page says what to do then.
    await expect(viewer.page.locator("#hint")).to_have_css("opacity", "0")
    png = await viewer.page.locator("#stage").screenshot()
    seen = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert seen.shape == (height, width, 3)
    assert compare(seen, int(guest.nonce, 16)).ok


async def test_standard_vga_says_that_it_cannot_and_stays_as_it_is(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("baremetal")
    viewer = await Viewer.watch(browser, portal, guest)
    size = await viewer.handle("size")
    toggle = viewer.page.locator("#resize")
    await toggle.click()
    await expect(viewer.page.locator("#hint")).to_have_text(
        "This guest’s display device has no way to follow the window."
    )
    await expect(toggle).to_have_attribute("aria-pressed", "false")
    await viewer.wait_known_picture()
    assert await viewer.handle("size") == size and await viewer.handle("connections") == 1
