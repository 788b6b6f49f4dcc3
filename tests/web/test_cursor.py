"""The guest's pointer: the browser's own wherever that can be, else drawn."""

import pytest
from playwright.async_api import Browser, Page

from tests.web.pages import ORIGIN, run, serve

pytestmark = pytest.mark.browser
MODULE = "core/cursor.js"

SET_UP = """
const stage = document.body.appendChild(document.createElement("div"));
const overlay = stage.appendChild(document.createElement("canvas"));
const cursor = new m.Cursor(stage, overlay);
const image = (width, height, alpha = 255) => {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(alpha);
  return { width, height, hotX: 3, hotY: 1, rgba };
};
const css = () => stage.style.cursor.replace(/^url.*\\)/, "url");
const seen = () => [css(), overlay.hidden, overlay.style.transform];
"""


async def look(page: Page, body: str) -> list[list[object]]:
    """Of the pointer after each step: its CSS, whether it is drawn on the picture, and where."""
    found: list[list[object]] = await run(page, MODULE, f"{SET_UP} const all = []; {body}; return all")
    return found


async def test_the_browsers_own_pointer_takes_the_guests_shape_and_hot_spot(page: Page) -> None:
    own, hidden, shown = await look(
        page,
        "cursor.define(image(24, 24)); all.push(seen()); cursor.place(5, 5, false); all.push(seen());"
        "cursor.place(5, 5, true); all.push(seen())",
    )
    assert own == shown == ["url 3 1, default", True, ""]
    # A dot that is always to be found.
    assert hidden == ["url 4 4, crosshair", True, ""]


async def test_an_empty_shape_is_none(page: Page) -> None:
    for size, alpha in [("0, 0", 255), ("8, 8", 0)]:
        (empty,) = await look(page, f"cursor.define(image({size}, {alpha})); all.push(seen())")
        assert empty[0] == "url 4 4, crosshair"


async def test_a_pointer_too_large_for_the_browser_is_drawn_where_its_own_is(page: Page) -> None:
    away, here, gone = await look(
        page,
        "cursor.define(image(200, 150)); all.push(seen()); cursor.mouse = { x: 10, y: 20 }; all.push(seen());"
        "cursor.mouse = null; all.push(seen())",
    )
    assert away[:2] == gone[:2] == ["none", True]
    assert here == ["none", False, "translate(7px, 19px)"]


async def test_relative_motion_draws_it_where_the_guest_says(page: Page) -> None:
    drawn, moved, hidden = await look(
        page,
        "cursor.define(image(24, 24)); cursor.mouse = { x: 1, y: 1 }; cursor.rescale(0.5); cursor.drawn = true;"
        "cursor.place(40, 30, true); all.push(seen()); cursor.place(43, 31, true); all.push(seen());"
        "cursor.place(43, 31, false); all.push(seen())",
    )
    assert drawn == ["none", False, "translate(18.5px, 14.5px)"]
    assert moved == ["none", False, "translate(20px, 15px)"]
    assert hidden[1] is True


@pytest.mark.parametrize("ratio", [1.25, 2])
async def test_more_pixels_make_it_sharper_and_not_larger(browser: Browser, ratio: float) -> None:
    context = await browser.new_context(device_scale_factor=ratio)
    page = await context.new_page()
    await page.route("**/*", serve)
    await page.goto(f"{ORIGIN}/blank")
    body = (
        f"{SET_UP} cursor.define(image(24, 24)); const own = stage.style.cursor; const picture = new Image();"
        "picture.src = /data:[^\"')]+/.exec(own)[0]; await picture.decode();"
        "return [own.includes('image-set'), own.includes(`${devicePixelRatio}`), picture.width, own.slice(-13)]"
    )
    found = await run(page, MODULE, body)
    assert found == [True, True, round(24 * ratio), " 3 1, default"]
    await context.close()
