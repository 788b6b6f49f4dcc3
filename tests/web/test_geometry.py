"""Where the picture lies, and which guest pixel a point on the page is."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.web.conftest import run

pytestmark = pytest.mark.browser
MODULE = "core/geometry.js"


def size(width: float, height: float) -> dict[str, float]:
    return {"width": width, "height": height}


async def lay_out(page: Page, **given: object) -> Any:
    base: dict[str, object] = {
        "stage": size(1280, 720),
        "guest": size(640, 480),
        "scaling": "fit",
        "ratio": 1,
    }
    given = base | given
    return await run(page, MODULE, "return m.layOut(a)", {"encoded": given["guest"]} | given)


async def test_padding_is_told_from_the_picture(page: Page) -> None:
    for guest, encoded, padded in [
        ((1024, 768), (1024, 768), (1024, 768)),
        ((1023, 767), (1024, 768), (1024, 768)),
        ((1920, 1080), (960, 540), (1920, 1080)),
        ((1366, 767), (684, 384), (1368, 768)),
        # The video is still the old resolution's: stretched until it has followed.
        ((1280, 1024), (800, 600), (1280, 1024)),
    ]:
        result = await run(page, MODULE, "return m.paddedSize(...a)", [size(*guest), size(*encoded)])
        assert result == size(*padded), (guest, encoded)


async def test_padding_lies_outside_of_the_screen(page: Page) -> None:
    layout = await lay_out(page, guest=size(639, 479), encoded=size(640, 480), scaling="actual")
    assert (layout["screen"]["width"], layout["screen"]["height"]) == (639, 479)
    assert layout["video"] == size(640, 480)


async def test_fit_centres_and_only_whole_multiples_are_crisp(page: Page) -> None:
    layout = await lay_out(page)
    assert layout["scale"] == 1.5
    assert layout["screen"] == {"left": 160, "top": 0, "width": 960, "height": 720}
    for stage, crisp in [((1280, 960), True), ((1000, 750), False), ((320, 240), False)]:
        assert (await lay_out(page, stage=size(*stage)))["crisp"] is crisp, stage


async def test_actual_is_a_device_pixel_each(page: Page) -> None:
    for ratio in [1, 1.25, 2, 3]:
        layout = await lay_out(page, scaling="actual", ratio=ratio)
        left = layout["screen"]["left"] * ratio
        assert layout["screen"]["width"] * ratio == pytest.approx(640)
        assert left == pytest.approx(round(left)), "not on a device pixel's edge"
        assert layout["crisp"] is True
    larger = await lay_out(page, guest=size(1920, 1080), scaling="actual")
    assert (larger["screen"]["left"], larger["screen"]["top"]) == (0, 0)


async def test_a_picture_of_the_rooms_size_is_crisp_at_every_zoom(page: Page) -> None:
    for ratio in [1, 1.1, 1.25, 1.5, 2]:
        # Edges on whole CSS pixels: the room is no whole number of device pixels.
        room = size(1001, 613)
        for width, height in [
            (1001 * ratio // 1, 613 * ratio // 1),
            (-(-1001 * ratio // 1), 613 * ratio // 1),
        ]:
            layout = await lay_out(page, stage=room, guest=size(width, height), ratio=ratio)
            assert layout["scale"] * ratio == pytest.approx(1, abs=1e-9), (ratio, width, height)
            assert layout["crisp"] is True
            assert (layout["screen"]["left"], layout["screen"]["top"]) == (0, 0)


async def test_a_stage_between_device_pixels_shows_its_picture_on_them(page: Page) -> None:
    for x, ratio, guest in [(640.5, 1, 639), (640.5, 1, 640), (533.4, 1.25, 600), (320.25, 2, 800)]:
        stage = {"x": x, "y": 44, **size(639.5, 600)}
        layout = await lay_out(page, stage=stage, guest=size(guest, 480), scaling="actual", ratio=ratio)
        left = (x + layout["screen"]["left"]) * ratio
        assert left == pytest.approx(round(left)) and layout["screen"]["left"] >= 0, (x, ratio)


async def test_whole_multiples_are_crisp_where_there_is_room_for_one(page: Page) -> None:
    for stage, ratio, scale in [
        ((1300, 980), 1, 2),
        ((1300, 980), 2, 2),
        ((1300, 980), 1.25, 1.6),
        ((700, 500), 1, 1),
    ]:
        layout = await lay_out(page, stage=size(*stage), scaling="whole", ratio=ratio)
        assert layout["scale"] == pytest.approx(scale), (stage, ratio)
        assert layout["crisp"] is True
    smaller = await lay_out(page, stage=size(320, 480), scaling="whole")
    assert smaller["scale"] == 0.5


async def test_a_window_is_measured_in_the_devices_pixels(page: Page) -> None:
    found = await run(page, MODULE, "return m.windowSize(...a)", [size(960, 540), size(1920, 1080)])
    assert found == {"width": 1920, "height": 1080, "widthMm": 254, "heightMm": 143}


async def test_points_map_to_guest_pixels(page: Page) -> None:
    screen = {"left": 160, "top": 10, "width": 960, "height": 720}
    for at, pixel in [
        ((160, 10), (0, 0)),
        ((161.4, 11.4), (0, 0)),
        ((161.6, 11.6), (1, 1)),
        ((1119.9, 729.9), (639, 479)),
        # Outside: the nearest.
        ((0, 0), (0, 0)),
        ((5000, 400), (639, 260)),
    ]:
        point = {"x": at[0], "y": at[1]}
        found = await run(page, MODULE, "return m.toGuest(...a)", [point, screen, size(640, 480)])
        assert (found["x"], found["y"]) == pixel, at
