"""What the console page says, and when a console is worth trying."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.web.conftest import run

pytestmark = pytest.mark.browser
MODULE = "app/situation.js"


def domain(state: str = "running", console: str = "ready", reason: str | None = None) -> dict[str, Any]:
    return {"name": "demo", "state": state, "console": {"state": console, "reason": reason}, "consoles": []}


async def say(page: Page, session: str, **facts: object) -> Any:
    known: dict[str, object] = {
        "message": "",
        "list": None,
        "domain": None,
        "showing": True,
        "enabled": True,
        "problem": "",
    }
    return await run(
        page, MODULE, "return m.situation(a)", known | {"paused": False, "session": session} | facts
    )


async def test_a_shown_picture_has_no_notice_over_it(page: Page) -> None:
    said = await say(page, "connected")
    assert (said["state"], said["status"], said["title"]) == ("connected", "Connected", "")
    assert (await say(page, "connected", paused=True))["status"] == "Paused"
    assert "off" in (await say(page, "connected", enabled=False))["title"]


async def test_a_picture_that_cannot_be_shown_says_why_before_all_else(page: Page) -> None:
    said = await say(page, "connected", problem="No fourcc.", enabled=False, showing=False)
    assert (said["tone"], said["text"]) == ("bad", "No fourcc.") and "cannot be shown" in said["title"]


async def test_attempts_after_a_failure_are_one_notice(page: Page) -> None:
    assert (await say(page, "connecting"))["state"] == "connecting"
    waiting = await say(page, "waiting", message="It broke.")
    assert waiting == await say(page, "connecting", message="It broke.")
    assert (waiting["state"], waiting["text"], waiting["retry"]) == ("reconnecting", "It broke.", True)


async def test_the_operators_problem_is_shown(page: Page) -> None:
    said = await say(page, "problem", message="TURN_HOST is a placeholder.")
    assert (said["state"], said["text"]) == ("problem", "TURN_HOST is a placeholder.")


async def test_a_stopped_console_says_why(page: Page) -> None:
    assert (
        "demo is shut off"
        in (await say(page, "held", domain=domain("shutoff", "none", "not running")))["title"]
    )
    none = await say(page, "held", domain=domain(console="none", reason="no D-Bus display"))
    assert none["text"] == "No D-Bus display."
    failed = await say(page, "held", domain=domain(console="failed", reason="the worker ended"))
    assert failed["text"].startswith("The worker ended.")
    assert "no such domain" in (await say(page, "held"))["title"]


async def test_libvirt_unreachable_is_no_reason_to_stop(page: Page) -> None:
    body = "return [m.canOpen(...a)]"
    up, down = {"libvirt": {"connected": True}}, {"libvirt": {"connected": False}}
    for known, one, expected in [
        (None, None, None),
        (up, None, False),
        (up, domain(), True),
        (up, domain(console="starting"), False),
        (down, None, None),
        (down, domain(console="none"), None),
    ]:
        assert await run(page, MODULE, body, [known, one]) == [expected]
