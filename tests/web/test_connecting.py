"""Which transport a page uses, and when: the real choice, with transports that do what the test says."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page

from tests.web.pages import ORIGIN
from tests.web.transports import fake_transports

pytestmark = pytest.mark.browser

SET_UP = """async (choice) => {
  window.log = [];
  window.VideoDecoder ??= class {};
  const { Connecting } = await import("/static/core/connecting.js");
  const target = { index: 0, console: "/c", config: "/webrtc-config", sections: () => 1 };
  window.connecting = new Connecting(target, choice, {
    use: (transport) => log.push(`use ${transport.kind}`),
    opened: () => log.push("opened"),
    message: (message) => log.push(`message ${message.type}`),
    lost: (reason) => log.push(`lost: ${reason}`),
    idle: () => !window.busy,
  });
  window.opening = connecting.open().then(() => log.push("done"), (error) => log.push(`failed: ${error.message}`));
}"""

SESSION = """async () => {
  const { Session } = await import("/static/core/session.js");
  const target = { index: 0, console: "/c", config: "/webrtc-config", sections: () => 1 };
  const nothing = () => undefined;
  const handlers = { state: nothing, beginning: nothing, message: nothing, ending: nothing, idle: () => true };
  window.session = new Session(target, "auto", handlers);
  session.connect();
}"""


class Connecting:
    """The choice in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def begin(self, choice: str = "auto") -> None:
        await self.page.evaluate(SET_UP, choice)
        await self.settle()

    async def settle(self) -> None:
        """Let promises and answers of the page's own requests come."""
        for _ in range(5):
            await self.page.evaluate("fetch('/webrtc-config').then((answer) => answer.text())")

    async def do(self, script: str) -> None:
        await self.page.evaluate(script)
        await self.settle()

    async def pass_ms(self, milliseconds: int) -> None:
        await self.page.clock.run_for(milliseconds)
        await self.settle()

    async def log(self) -> list[str]:
        """What happened since the last look."""
        found: list[str] = await self.page.evaluate("log.splice(0)")
        return found


@pytest.fixture
async def connecting(page: Page) -> AsyncIterator[Connecting]:
    await page.clock.install(time=0)
    await page.clock.pause_at(1000)
    await fake_transports(page)
    await page.goto(f"{ORIGIN}/blank")
    yield Connecting(page)


async def test_webrtc_that_opens_in_time_is_all_there_is(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.do("webrtc.opens()")
    await connecting.pass_ms(60_000)
    assert await connecting.log() == ["webrtc made", "use webrtc", "opened", "done"]


async def test_where_webrtc_is_slow_a_websocket_is_shown_until_it_opens(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.pass_ms(1400)
    assert await connecting.log() == ["webrtc made", "use webrtc"]
    await connecting.pass_ms(200)
    await connecting.do("websocket.opens()")
    assert await connecting.log() == ["websocket made", "use websocket", "opened", "done"]
    # What it says before it is used is of use then.
    await connecting.do("webrtc.handlers.message({ type: 'size' }, null)")
    assert await connecting.log() == []
    await connecting.do("webrtc.opens()")
    assert await connecting.log() == [
        "webrtc sent 9,0",
        "use webrtc",
        "message size",
        "webrtc sent 9,1",
        "websocket closed",
        "opened",
    ]


async def test_webrtc_takes_over_once_the_viewer_is_in_the_middle_of_nothing(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.pass_ms(2000)
    await connecting.do("websocket.opens(); busy = true")
    await connecting.log()
    await connecting.do("webrtc.opens()")
    await connecting.pass_ms(10_000)
    assert await connecting.log() == ["webrtc sent 9,0"]
    await connecting.do("busy = false")
    await connecting.pass_ms(200)
    assert (await connecting.log())[0] == "use webrtc"


async def test_webrtc_that_ends_before_it_takes_over_is_tried_again(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.pass_ms(2000)
    await connecting.do("websocket.opens(); busy = true")
    await connecting.do("webrtc.opens()")
    await connecting.do("webrtc.handlers.lost('gone')")
    await connecting.log()
    await connecting.do("busy = false")
    await connecting.pass_ms(1000)
    assert await connecting.log() == []
    await connecting.pass_ms(20_000)
    assert await connecting.log() == ["webrtc made"]


async def test_what_is_chosen_ends_what_is_tried_beside_it(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.pass_ms(2000)
    await connecting.do("websocket.opens()")
    await connecting.log()
    await connecting.do("connecting.choice = 'websocket'")
    assert await connecting.log() == ["webrtc closed"]
    await connecting.do("webrtc.opens()")
    await connecting.pass_ms(60_000)
    assert "use webrtc" not in await connecting.log()


async def test_what_is_chosen_while_connecting_is_obeyed(connecting: Connecting) -> None:
    await connecting.page.evaluate(SESSION)
    await connecting.settle()
    assert await connecting.log() == ["webrtc made"]
    await connecting.do("session.choice = 'webrtc'")
    await connecting.pass_ms(5000)
    assert "websocket made" not in await connecting.log()


async def test_where_webrtc_fails_a_websocket_is_opened_at_once_and_webrtc_is_tried_again(
    connecting: Connecting,
) -> None:
    await connecting.begin()
    await connecting.do("webrtc.fails('no way')")
    await connecting.do("websocket.opens()")
    assert (await connecting.log())[-4:] == ["websocket made", "use websocket", "opened", "done"]
    assert await connecting.page.evaluate("connecting.whyNotWebRTC") == "no way"
    await connecting.pass_ms(19_000)
    assert await connecting.log() == []
    await connecting.pass_ms(2000)
    assert await connecting.log() == ["webrtc made"]
    await connecting.do("webrtc.fails('no way yet')")
    await connecting.do("connecting.improve()")
    await connecting.do("webrtc.opens()")
    log = await connecting.log()
    assert log[:2] == ["webrtc closed", "webrtc made"] and log[-1] == "opened"
    assert await connecting.page.evaluate("connecting.whyNotWebRTC") == ""


async def test_the_next_page_does_not_wait_for_webrtc_where_it_has_failed(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.do("webrtc.fails('no way')")
    await connecting.do("websocket.opens()")
    await connecting.do("connecting.end()")
    await connecting.begin()
    assert await connecting.log() == ["websocket made"]
    await connecting.do("websocket.opens()")
    assert await connecting.log() == ["use websocket", "opened", "done", "webrtc made"]
    await connecting.do("connecting.end()")
    await connecting.pass_ms(7_200_000)
    await connecting.begin()
    assert (await connecting.log())[0] == "webrtc made"


async def test_a_failure_that_is_remembered_does_not_keep_webrtc_from_being_tried(
    connecting: Connecting,
) -> None:
    await connecting.begin()
    await connecting.do("webrtc.fails('no way')")
    await connecting.do("websocket.opens()")
    await connecting.do("connecting.end()")
    await connecting.log()
    await connecting.begin()
    await connecting.do("websocket.fails('a proxy takes none')")
    await connecting.do("webrtc.opens()")
    assert await connecting.log() == [
        "websocket made",
        "websocket closed",
        "webrtc made",
        "use webrtc",
        "opened",
        "done",
    ]


async def test_a_refusal_is_no_failure_to_remember(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.do("webrtc.refuses('no_port_left')")
    await connecting.do("websocket.opens()")
    await connecting.do("connecting.end()")
    await connecting.log()
    await connecting.begin()
    assert (await connecting.log())[0] == "webrtc made"


async def test_where_both_fail_the_reason_is_that_of_webrtc(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.do("webrtc.fails('no way')")
    await connecting.do("websocket.fails('none here either')")
    assert (await connecting.log())[-1] == "failed: no way"


@pytest.mark.parametrize(("choice", "other"), [("webrtc", "websocket"), ("websocket", "webrtc")])
async def test_what_was_chosen_is_used_and_nothing_else(
    connecting: Connecting, choice: str, other: str
) -> None:
    await connecting.begin(choice)
    await connecting.pass_ms(5000)
    log: list[Any] = await connecting.log()
    await connecting.do(f"{choice}.fails('no way')")
    log += await connecting.log()
    assert log[-1] == "failed: no way" and not any(other in line for line in log)


async def test_what_comes_late_is_closed(connecting: Connecting) -> None:
    await connecting.begin()
    await connecting.pass_ms(2000)
    await connecting.do("connecting.end()")
    await connecting.do("webrtc.opens(); websocket.opens()")
    assert not any(line.startswith("use websocket") or line == "opened" for line in await connecting.log())
