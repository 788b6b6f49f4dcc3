"""Signing in as a user of the system, by the real PAM, in real browsers."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from libvirt_webrtc.concurrency.threads import in_thread
from tests.e2e.viewer import Viewer
from tests.support.browsers import in_both_browsers
from tests.support.guests import GuestFactory
from tests.support.portal import Portal
from tests.support.system_users import PASSWORD, pam_helper, run, system_user

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

SETTINGS = """
[sign_in]
methods = ["pam", "token"]
pam.socket = "{socket}"

[[access]]
groups = ["lvw-ops"]
domains = ["*"]
role = "view"
"""


@pytest.fixture
def place(start_portal: Callable[..., Portal], tmp_path: Path) -> Iterator[tuple[Portal, str, str]]:
    """A portal with its PAM helper, somebody of the group that may see guests, and somebody who is not in it."""
    with (
        system_user("lvw-alice", "lvw-ops") as alice,
        system_user("lvw-bob") as bob,
        pam_helper(tmp_path, "--user", "daemon") as socket,
    ):
        config = tmp_path / "pam.toml"
        config.write_text(SETTINGS.format(socket=socket))
        portal = start_portal(None, "--config", str(config))
        yield portal, alice, bob
        portal.close()
        log = (tmp_path / "pam-helper.log").read_text() + portal.log.read_text()
        assert PASSWORD not in log and repr(PASSWORD)[1:-1] not in log


async def enter(page: Page, user: str, password: str) -> None:
    await page.fill("#user", user)
    await page.fill("#password", password)
    await page.keyboard.press("Enter")


def totp(*arguments: str) -> str:
    command = [sys.executable, "-m", "libvirt_webrtc", "totp", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@in_both_browsers
async def test_a_system_user_sees_what_the_group_may_and_a_closed_account_nothing(
    make_guest: GuestFactory, place: tuple[Portal, str, str], browser: Browser
) -> None:
    portal, alice, bob = place
    guest = make_guest("baremetal")
    portal.wait_console(guest.uuid)
    page = await (await browser.new_context()).new_page()
    problem = page.locator("#error")

    await page.goto(f"{portal.url}/console/{guest.uuid}")
    await enter(page, alice, "wrong")
    await expect(problem).to_have_text("That user name and password are not right.", timeout=30_000)
    await enter(page, alice, PASSWORD)
    await page.wait_for_url(f"{portal.url}/console/{guest.uuid}")
    viewer = Viewer(page, guest)
    await viewer.wait_state("connected")
    await viewer.wait_known_picture()
    await expect(page.locator("#view-only")).to_be_visible()

    await page.goto(portal.url)
    await page.locator(f"a[href$='/console/{guest.uuid}']").wait_for()
    await page.locator("#sign-out").click()
    await page.wait_for_url("**/login")
    await enter(page, bob, PASSWORD)
    await expect(problem).to_contain_text(f"You are {bob} here, to whom nothing is granted", timeout=30_000)

    run("chage", "--expiredate", "2001-01-01", alice)
    await enter(page, alice, PASSWORD)
    await expect(problem).to_contain_text("this account is expired or closed", timeout=30_000)
    run("chage", "--expiredate", "-1", alice)
    run("usermod", "--lock", alice)
    await enter(page, alice, PASSWORD)
    await expect(problem).to_have_text("That user name and password are not right.", timeout=30_000)


@in_both_browsers
async def test_a_user_who_has_enrolled_needs_the_code(
    place: tuple[Portal, str, str], browser: Browser
) -> None:
    portal, alice, _ = place
    shown = await in_thread(lambda: totp("enroll", alice))
    secret = parse_qs(urlsplit(shown.split()[-1]).query)["secret"][0]
    try:
        assert totp("list") == f"{alice}\n"
        page = await (await browser.new_context()).new_page()
        await page.goto(portal.url)
        await enter(page, alice, PASSWORD)
        await expect(page.locator("#code")).to_be_focused(timeout=30_000)
        await page.keyboard.type("12 34 5")
        await page.keyboard.press("Enter")
        await expect(page.locator("#error")).to_contain_text("That code is not right", timeout=30_000)
        await page.keyboard.type(pyotp.TOTP(secret).now())
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{portal.url}/")
        assert secret not in portal.log.read_text()
    finally:
        totp("remove", alice)
