"""Roles with a real guest: who may only view changes nothing in it; a role that is taken away ends what it opened."""

import signal
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser

from examples.guests.reading import read_key_count, read_pointer
from tests.e2e.viewer import Viewer, wait_for
from tests.e2e.whep import playing
from tests.support.browsers import in_both_browsers
from tests.support.guests import Guest, GuestFactory
from tests.support.portal import Portal
from tests.support.users import SIGN_IN, give_sessions, headers_of, page_of

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEY_A = 0x1E
KEEP_CHANNELS = """
  window.made = {};
  const create = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (label, ...more) {
    return (window.made[label] = create.call(this, label, ...more));
  };
  window.WebSocket = class extends WebSocket {
    constructor(...more) {
      super(...more);
      window.made.socket = this;
    }
  };
"""
"""What a hostile page does to have the data channels, or the WebSocket, that the page's own scripts make."""
ATTACK = """async () => {
  const { input, display, socket } = window.made;
  // A stream's messages begin with the console's index.
  const head = socket ? [0] : [];
  const send = (...bytes) => (socket ?? input).send(new Uint8Array([...head, ...bytes]));
  const text = (code) => [...code].map((letter) => letter.charCodeAt(0));
  for (const code of ["KeyB", "Enter", "F6"]) {
    for (const down of [1, 0]) send(1, down, ...text(code));
  }
  for (const [x, y] of [[0, 0], [1, 44]]) send(2, x, y, x, y);
  send(3, 0, 50, 0, 50);
  for (const down of [1, 0]) send(4, 0, down);
  send(5, 0, 5);
  send(6);
  send(10, 2, 128, 1, 224, 0, 0, 0, 0);
  const answered = new Promise((resolve) => {
    (socket ?? display).addEventListener("message", ({ data }) => {
      const view = new DataView(data, head.length);
      if (view.getUint8(0) === 0x87 && view.getUint32(1) === 0xabad1dea) resolve(true);
    });
  });
  send(7, 0xab, 0xad, 0x1d, 0xea);
  return answered;
}"""
"""Every message that changes something, and a PING whose answer tells that they all have been read."""


class Rules:
    """The settings of a portal, with one user's role each."""

    def __init__(self, file: Path, start_portal: Callable[..., Portal]) -> None:
        self._file = file
        self._roles: dict[str, str] = {}
        file.write_text(SIGN_IN)
        self.portal = start_portal(None, "--config", str(file))

    def change(self, guest: Guest, **roles: str) -> None:
        """Give the users these roles for the guest and no others, and have the portal read that."""
        entry = "[[access]]\nusers = [{!r}]\ndomains = [{!r}]\nrole = {!r}\n"
        entries = [entry.format(user, guest.name, role) for user, role in roles.items()]
        self._file.write_text("".join([SIGN_IN, *entries]))
        self.portal.process.send_signal(signal.SIGHUP)


@pytest.fixture
def rules(start_portal: Callable[..., Portal], tmp_path: Path) -> Rules:
    return Rules(tmp_path / "settings.toml", start_portal)


async def test_a_hostile_page_that_may_only_view_changes_nothing_in_the_guest(
    rules: Rules, make_guest: GuestFactory, browser: Browser
) -> None:
    guest = make_guest("linux")
    give_sessions(rules.portal, "ann", "bob")
    rules.change(guest, ann="view", bob="control")
    rules.portal.wait_console(guest.uuid)
    bob = await Viewer.click(await page_of(browser, rules.portal, "bob"), guest)
    await bob.wait_known_picture()
    before = await bob.type_and_see("KeyA", KEY_A)

    page = await page_of(browser, rules.portal, "ann")
    await page.add_init_script(KEEP_CHANNELS)
    ann = await Viewer.click(page, guest)
    await ann.wait_known_picture()
    assert await page.locator("#view-only").is_visible()
    for hidden in ("#ctrl-alt-del", "#resize"):
        assert not await page.locator(hidden).is_visible()
    assert not await bob.page.locator("#view-only").is_visible()
    await page.keyboard.press("KeyC")
    await ann.point_at(100, 100)
    await page.mouse.down()
    await page.mouse.up()
    assert await page.evaluate(ATTACK)
    assert await ann.handle("state") == "connected" and await ann.handle("connections") == 1
    await page.goto(f"{page.url}?transport=websocket")
    await ann.wait_state("connected")
    assert await ann.handle("transport") == "websocket"
    assert await page.evaluate(ATTACK)

    # Had anything of that come to the guest, it would have come before bob's key.
    after = await bob.type_and_see("KeyA", KEY_A)
    count = read_key_count(before)
    assert count is not None and read_key_count(after) == (count + 2) % 65536
    assert after.shape == before.shape and read_pointer(after) == read_pointer(before)
    assert await ann.handle("state") == "connected" and await ann.handle("connections") == 1


@in_both_browsers
async def test_a_role_that_is_taken_away_ends_the_console_and_one_that_sinks_the_input(
    rules: Rules, make_guest: GuestFactory, browser: Browser
) -> None:
    guest = make_guest()
    give_sessions(rules.portal, "ann", "bob")
    rules.change(guest, ann="control", bob="control")
    rules.portal.wait_console(guest.uuid)
    ann = await Viewer.click(await page_of(browser, rules.portal, "ann"), guest)
    await ann.type_and_see("KeyA", KEY_A)
    bob = await Viewer.click(await page_of(browser, rules.portal, "bob"), guest)

    rules.change(guest, bob="view")
    await ann.wait_state("stopped")
    assert await ann.page.locator("#notice-title").inner_text() == "There is no such domain"
    await bob.page.locator("#view-only").wait_for(state="visible")
    await bob.wait_state("connected")
    await ann.page.goto(rules.portal.url)
    await ann.page.get_by_text("Nothing is shared with you").wait_for()
    assert await ann.page.locator("#who").inner_text() == "ann"

    rules.change(guest, ann="view", bob="operate")
    await ann.page.get_by_text("view only").wait_for()
    await bob.page.locator("#view-only").wait_for(state="hidden")

    async def may_type() -> bool:
        return bool(await bob.handle("state") == "connected")

    await wait_for(may_type, "bob's page has connected again")
    await bob.page.bring_to_front()
    await bob.type_and_see("KeyA", KEY_A)


async def test_the_owner_of_another_domain_reaches_nothing_of_this_one(
    rules: Rules, make_guest: GuestFactory
) -> None:
    guest, own = make_guest(), make_guest()
    give_sessions(rules.portal, "bob")
    rules.change(own, bob="admin")
    for each in (guest, own):
        rules.portal.wait_console(each.uuid)
    domain = f"/api/domains/{guest.uuid}"
    async with (
        playing(rules.portal, guest) as player,
        aiohttp.ClientSession(rules.portal.own, headers=headers_of(rules.portal, "bob")) as bob,
    ):
        await player.wait_known_picture()
        async with bob.get("/api/domains") as response:
            assert [each["uuid"] for each in (await response.json())["domains"]] == [own.uuid]
        attempts = [
            ("GET", f"{domain}/consoles/0/stats"),
            ("POST", f"{domain}/consoles/0/whep"),
            ("POST", f"{domain}/actions/attach"),
            ("POST", f"{domain}/links"),
            ("DELETE", player.location),
            # The viewer's name in the own domain's address.
            ("DELETE", player.location.replace(guest.uuid, own.uuid)),
            ("POST", f"/api/domains/{own.uuid}/consoles/1/whep"),
        ]
        sdp = {"Content-Type": "application/sdp"}
        for method, path in attempts:
            offered = player.connection.localDescription.sdp if path.endswith("whep") else None
            async with bob.request(method, path, data=offered, headers=sdp if offered else None) as response:
                assert response.status == 404, (method, path, await response.text())
        async with player.http.delete(player.location) as response:
            assert response.status == 200
