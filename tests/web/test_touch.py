"""Fingers on a phone: the picture made larger, moved, and touched where it is then."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, CDPSession, FloatRect, Page

from tests.web.console_page import set_up, told
from tests.web.input_log import changes, said
from tests.web.pages import serve

pytestmark = pytest.mark.browser

DESKTOP = {"type": "size", "width": 1920, "height": 1080}
Finger = tuple[float, float]


class Phone:
    """A phone's page, and fingers on it, which only Chromium's own protocol has."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self.page = page
        self._session = session

    async def touch(self, kind: str, *fingers: Finger) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(fingers)]
        await self._session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    async def drag(self, *places: tuple[Finger, ...]) -> None:
        """All fingers down at the first places, and along the others."""
        await self.touch("Start", *places[0])
        for fingers in places[1:]:
            await self.touch("Move", *fingers)
        await self.touch("End")

    async def picture(self) -> FloatRect:
        box = await self.page.locator("#screen").bounding_box()
        assert box is not None
        return box


@pytest.fixture
async def phone(browser: Browser) -> AsyncIterator[Phone]:
    context = await browser.new_context(
        viewport={"width": 390, "height": 700}, device_scale_factor=3, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    await page.route("**/*", serve)
    await set_up(page)
    await told(page, DESKTOP, None)
    yield Phone(page, await context.new_cdp_session(page))
    await context.close()


async def test_two_fingers_make_the_picture_larger_and_a_tap_is_where_it_shows(phone: Phone) -> None:
    before = await phone.picture()
    assert before["width"] == 390
    y = before["y"] + before["height"] / 2
    await phone.drag(((150, y), (250, y)), ((140, y), (260, y)), ((50, y), (350, y)))
    after = await phone.picture()
    assert after["width"] == pytest.approx(3 * 390, abs=2)
    # The middle stays where it was.
    assert after["x"] + after["width"] / 2 == pytest.approx(200 - 3 * 5, abs=2)
    assert await changes(phone.page) == []

    await phone.drag(((100, y),))
    x = int((100 - after["x"]) / after["width"] * 1920)
    clicked = await said(phone.page)
    assert clicked[1:] == ["0down", "0up"]
    at = [int(number) for number in clicked[0].removeprefix("to ").split(",")]
    assert at == [pytest.approx(x, abs=2), pytest.approx(540, abs=8)]


async def test_two_fingers_move_a_larger_picture_and_then_turn_the_wheel(phone: Phone) -> None:
    y = 350.0
    await phone.drag(((150, y), (250, y)), ((140, y), (260, y)), ((50, y), (350, y)))
    before = await phone.picture()
    await phone.drag(((150, y), (250, y)), ((130, y), (230, y)), ((100, y), (200, y)))
    after = await phone.picture()
    assert before["x"] - after["x"] == pytest.approx(50, abs=2)
    # As high as its room at most, it cannot move up: that is the wheel's.
    await phone.drag(((150, y), (250, y)), ((150, y - 50), (250, y - 50)), ((150, y - 100), (250, y - 100)))
    assert "wheel 0,1" in await changes(phone.page)


async def test_fingers_together_make_it_fit_again(phone: Phone) -> None:
    fits = await phone.picture()
    y = fits["y"] + fits["height"] / 2
    await phone.drag(((150, y), (250, y)), ((140, y), (260, y)), ((50, y), (350, y)))
    await phone.drag(((50, y), (350, y)), ((60, y), (340, y)), ((180, y), (220, y)))
    assert await phone.picture() == fits


async def test_a_relative_guest_on_a_phone_is_explained_for_fingers(phone: Phone) -> None:
    await told(phone.page, {"type": "pointer-mode", "absolute": False}, None)
    hint = "Drag a finger over the picture to move the guest’s pointer; tap to click."
    assert await phone.page.evaluate("hints") == [hint]
    await phone.drag(((100, 500),))
    await phone.drag(((100, 500),), ((130, 500),))
    assert await changes(phone.page) == ["0down", "0up", "0down", "0up"]
