"""A guest that nobody here wrote, compared with libvirt's own screenshot of it."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Browser

from examples.guests.layout import Rgb
from tests.e2e.viewer import Viewer
from tests.support.emulators import Emulator
from tests.support.guests import Guest, GuestFactory
from tests.support.libvirtd import virsh
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

MEMTEST_VARIABLE = "LIBVIRT_WEBRTC_TEST_MEMTEST"
"""Path of memtest86+'s kernel; set by tests/run.sh."""

DIFFERENT = 100
"""Steps of a channel: beyond what a codec does to text, below what another colour is."""
MOVING_SHARE = 0.05
"""Its clock and progress go on between the two pictures."""


def same(one: Rgb, other: Rgb) -> bool:
    """Whether both show the same, but for what moves."""
    if one.shape != other.shape:
        return False
    steps = np.abs(one.astype(np.int16) - other).max(axis=2)
    return bool((steps > DIFFERENT).mean() < MOVING_SHARE)


def is_memtest(rgb: Rgb) -> bool:
    """Whether this is memtest's blue screen, not the firmware's."""
    red, green, blue = rgb.mean(axis=(0, 1))
    return bool(blue > 80 and max(red, green) < 60)


def screenshot(guest: Guest, folder: Path) -> Rgb:
    """What libvirt says that the guest shows."""
    file = folder / "screenshot"
    virsh("screenshot", guest.uuid, str(file))
    return np.asarray(Image.open(file).convert("RGB"))


async def test_memtest_is_seen_as_libvirt_sees_it_and_takes_keys(
    make_guest: GuestFactory, portal: Portal, browser: Browser, emulator: Emulator, tmp_path: Path
) -> None:
    kernel = os.environ.get(MEMTEST_VARIABLE)
    if kernel is None:
        pytest.skip("needs memtest86+: run tests/run.sh as root")

    def with_memtest(xml: str) -> str:
        before, _, rest = xml.partition("<kernel>")
        return f"{before}<kernel>{kernel}</kernel>{rest.partition('</kernel>')[2]}"

    guest = make_guest(emulator=emulator, edit=with_memtest)
    viewer = await Viewer.open(browser, portal, guest)

    def as_libvirt_sees_it(rgb: Rgb) -> bool:
        return is_memtest(rgb) and same(rgb, screenshot(guest, tmp_path))

    before = await viewer.wait_picture(as_libvirt_sees_it, "memtest's screen")
    assert not same(before[::-1], screenshot(guest, tmp_path))

    await viewer.press("F1")  # its configuration menu
    await viewer.wait_picture(lambda rgb: not same(rgb, before), "memtest's menu")
    await viewer.wait_picture(
        lambda rgb: same(rgb, screenshot(guest, tmp_path)), "the menu as libvirt sees it"
    )
