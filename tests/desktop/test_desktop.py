"""A real desktop (kernel, X server and window manager of Debian's) is used in both browsers."""

import base64
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Browser, expect

from tests.desktop.desktop import Desktop, fills
from tests.e2e.viewer import Viewer, wait_for
from tests.support.browsers import in_both_browsers
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser, pytest.mark.long]

BAR = 44
"""The toolbar's height, CSS pixels."""
ON_ROOT, ON_TERMINAL = (40, 600), (300, 200)
"""The guest's pixels, in view on a page of 1280x720 without scrolling."""

SENTENCE = 'It is 7:30, "Hello" & <good> {morning}_~?'
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./", strict=True))
"""On the keys of a keyboard of the United States, which the guest has."""

MakeDesktop = Callable[..., Desktop]


async def opened(browser: Browser, portal: Portal, desktop: Desktop, **context: object) -> Viewer:
    viewer = await Viewer.open(browser, portal, desktop.guest, **context)
    await desktop.is_ready()
    return viewer


async def shape(viewer: Viewer) -> tuple[np.ndarray, tuple[int, int]] | None:
    """The opaque part of the pointer that the page shows, and its hot spot in that; None where it is not an image."""
    style = await viewer.page.locator("#stage").evaluate("stage => stage.style.cursor")
    found = re.search(r'url\("?data:image/png;base64,([^")]*)"?\) (\d+) (\d+), default', style)
    if found is None:
        return None
    alpha = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("RGBA"))[..., 3] > 128
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    opaque = alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return opaque, (int(found[2]) - int(columns[0]), int(found[3]) - int(rows[0]))


def is_arrow(opaque: np.ndarray, hot: tuple[int, int]) -> bool:
    """It points with its upper left corner, and leans: above the middle it is narrower than below."""
    return max(hot) <= 2 and int(opaque.sum()) > 20


def is_beam(opaque: np.ndarray, hot: tuple[int, int]) -> bool:
    """Upright, its hot spot in the middle, and the same from the left and from the right."""
    height, width = int(opaque.shape[0]), int(opaque.shape[1])
    return height > 1.5 * width and abs(hot[0] - width / 2) <= 2 and abs(hot[1] - height / 2) <= 3


@in_both_browsers
async def test_typing_the_wheel_and_the_pointers_shapes(
    make_desktop: MakeDesktop, portal: Portal, browser: Browser
) -> None:
    desktop = make_desktop()
    viewer = await opened(browser, portal, desktop)
    await viewer.page.locator("#scaling").select_option("actual")
    await viewer.wait_picture(lambda rgb: fills(rgb, 1280, 800), "the desktop")

    async def shows(wanted: Callable[[np.ndarray, tuple[int, int]], bool]) -> bool:
        seen = await shape(viewer)
        return seen is not None and wanted(*seen)

    for place, wanted in ((ON_ROOT, is_arrow), (ON_TERMINAL, is_beam), (ON_ROOT, is_arrow)):
        await viewer.point_at(*place)
        await wait_for(lambda: shows(wanted), f"the pointer at {place}: {wanted.__name__}")  # noqa: B023

    await choose_terminal(viewer)
    await type_as_a_person(viewer, SENTENCE)
    await viewer.press("Enter")
    await desktop.tells("typed", [SENTENCE])

    before = len(desktop.told("button"))
    for turn in (100, 100, 100, -100, -100):
        await viewer.page.mouse.wheel(0, turn)
    await desktop.tells("button", ["5", "5", "5", "4", "4"])
    assert len(desktop.told("button")) == before + 5


async def type_as_a_person(viewer: Viewer, text: str) -> None:
    """Key by key, with Shift held where it is needed; Playwright's own ``type`` holds none."""
    for character in text:
        key = SHIFTED.get(character, character.lower())
        await viewer.press(key if key == character else f"Shift+{key}")


async def choose_terminal(viewer: Viewer) -> None:
    """Click into it, once it is there, so that it has the guest's keyboard."""
    x, y = ON_TERMINAL
    await viewer.wait_picture(lambda rgb: rgb.shape[0] > y and rgb[y, x].min() > 200, "the terminal")
    await viewer.point_at(x, y)
    await viewer.page.mouse.down()
    await viewer.page.mouse.up()


@in_both_browsers
async def test_the_window_is_followed_on_every_kind_of_screen(
    make_desktop: MakeDesktop, portal: Portal, browser: Browser
) -> None:
    desktop = make_desktop()
    for ratio in (1, 1.25, 2):
        window = {"width": 820, "height": 600 + BAR}
        viewer = await opened(browser, portal, desktop, viewport=window, device_scale_factor=ratio)
        await viewer.page.locator("#resize").click()
        width, height = round(820 * ratio), round(600 * ratio)
        await desktop.tells("size", [f"{width} {height}"])
        await viewer.wait_picture(lambda rgb: fills(rgb, width, height), f"{width}x{height}")  # noqa: B023
        assert await viewer.handle("connections") == 1
        await viewer.page.context.close()


@in_both_browsers
async def test_a_desktop_that_keeps_its_size_is_told_of(
    make_desktop: MakeDesktop, portal: Portal, browser: Browser
) -> None:
    viewer = await opened(browser, portal, make_desktop("follow=off"))
    await viewer.page.locator("#resize").click()
    await expect(viewer.page.locator("#hint")).to_contain_text("its desktop keeps another", timeout=60_000)
    await viewer.wait_picture(lambda rgb: fills(rgb, 1280, 800), "the desktop as it was")


@in_both_browsers
async def test_a_reboot_is_seen_over_one_connection(
    make_desktop: MakeDesktop, portal: Portal, browser: Browser
) -> None:
    desktop = make_desktop()
    viewer = await opened(browser, portal, desktop)
    qemu = desktop.guest.pid
    await choose_terminal(viewer)
    await viewer.page.keyboard.type("reboot\n")
    await desktop.is_ready(2)
    await choose_terminal(viewer)
    await viewer.page.keyboard.type("again\n")
    await desktop.tells("typed", ["again"])
    assert desktop.guest.pid == qemu
    assert await viewer.handle("connections") == 1
