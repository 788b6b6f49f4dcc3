"""The service is started again while somebody watches."""

import signal
import time

import pytest
from playwright.async_api import Browser

from libvirt_webrtc.concurrency.threads import in_thread
from tests.e2e.viewer import Viewer, wait_for
from tests.support.browsers import in_both_browsers
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEY_A = 0x1E


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@in_both_browsers
async def test_the_picture_comes_back_by_itself_and_nobody_signs_in_again(
    make_guest: GuestFactory, portal: Portal, browser: Browser, number: signal.Signals
) -> None:
    guest = make_guest("baremetal")
    viewer = await Viewer.watch(browser, portal, guest)
    # Gone where the page is loaded again. Its entries in the history, which it makes in Firefox, are no such thing.
    await viewer.page.evaluate("window.same = true")
    before = await viewer.handle("connections")

    began = time.monotonic()
    await in_thread(lambda: portal.restart(number))
    serves = time.monotonic()

    async def again() -> bool:
        return bool(
            await viewer.handle("connections") > before and await viewer.handle("state") == "connected"
        )

    await wait_for(again, "the page is connected again")
    await viewer.wait_known_picture()
    now = time.monotonic()
    print(f"picture {now - began:.1f} s after the signal, {now - serves:.1f} s after the portal serves")
    await viewer.type_and_see("KeyA", KEY_A)
    assert await viewer.page.evaluate("window.same === true")

    # The list in another tab of the same browser as well; and who signs out stays out.
    page = await viewer.page.context.new_page()
    await page.goto(portal.url)
    await page.locator(f"a[href$='/console/{guest.uuid}']").wait_for()
    await page.locator("#sign-out").click()
    await page.wait_for_url("**/login")
    await viewer.page.wait_for_url("**/login?next=**")
    await in_thread(lambda: portal.restart(number))
    for tab, address in ((page, portal.url), (viewer.page, f"{portal.url}/console/{guest.uuid}")):
        await tab.goto(address)
        await tab.wait_for_url("**/login**")
