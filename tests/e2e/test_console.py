"""The main job: a guest is seen and used in a browser."""

import os
import signal
from collections.abc import Callable

import pytest
from playwright.async_api import Browser

from examples.guests.layout import Pointer, Rgb
from examples.guests.reading import read_key_count, read_keys, read_nonce, read_pointer
from tests.e2e.viewer import Viewer, wait_for
from tests.support.browsers import in_both_browsers
from tests.support.emulators import Emulator
from tests.support.guests import GuestFactory
from tests.support.libvirtd import virsh
from tests.support.portal import Portal
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEY_A = 0x1E
KEY_F6 = 0x40


NOWHERE = Pointer(-1, -1)


def pointer(rgb: Rgb) -> Pointer:
    """Where the guest shows its pointer to be."""
    return read_pointer(rgb) or NOWHERE


def scanout(portal: Portal, uuid: str) -> str | None:
    """How the picture of a domain's first console last came."""
    domain = portal.domain(uuid)
    assert domain is not None
    mode: str | None = domain["consoles"][0]["scanout"]
    return mode


@in_both_browsers
async def test_vga_guest_is_seen_and_typed_at_through_a_resolution_change(
    make_guest: GuestFactory, portal: Portal, browser: Browser, emulator: Emulator
) -> None:
    guest = make_guest("baremetal", emulator=emulator)
    viewer = await Viewer.open(browser, portal, guest)
    before = await viewer.wait_known_picture()
    assert scanout(portal, guest.uuid) == "copy"

    await viewer.type_and_see("KeyA", KEY_A)
    await viewer.press("F6")
    after = await viewer.wait_picture(
        lambda rgb: rgb.shape != before.shape and read_nonce(rgb) == int(guest.nonce, 16), "another size"
    )
    assert after.shape != before.shape
    await viewer.wait_known_picture()
    await viewer.type_and_see("KeyA", KEY_A)
    assert await viewer.handle("connections") == 1


@in_both_browsers
async def test_linux_guest_is_seen_in_shared_memory_and_pointed_at(
    make_guest: GuestFactory, portal: Portal, browser: Browser, emulator: Emulator
) -> None:
    guest = make_guest("linux", emulator=emulator)
    viewer = await Viewer.watch(browser, portal, guest)
    assert scanout(portal, guest.uuid) == ("map" if emulator.maps_scanouts else "copy")

    await viewer.type_and_see("KeyA", KEY_A)

    # One guest pixel is one page pixel then, so that the position is exact.
    await viewer.page.locator("#scaling").select_option("actual")
    for place in ((300, 400), (17, 555)):
        await viewer.point_at(*place)
        await viewer.wait_picture(lambda rgb: pointer(rgb)[:2] == place, f"the pointer at {place}")  # noqa: B023
    await viewer.page.mouse.down(button="right")
    await viewer.wait_picture(lambda rgb: pointer(rgb).buttons == 4, "the right button held")
    await viewer.page.mouse.up(button="right")
    await viewer.page.mouse.wheel(0, -300)
    await viewer.wait_picture(lambda rgb: pointer(rgb).wheel > 0, "the wheel turned up")


@in_both_browsers
async def test_odd_size_is_padded_for_the_codec_and_cropped_in_the_page(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("linux", options="mode=1023x767")
    viewer = await Viewer.open(browser, portal, guest)
    picture = await viewer.wait_known_picture()
    assert picture.shape == (767, 1023, 3)
    assert viewer.encoded == (1024, 768)


async def test_two_viewers_see_the_same_new_content(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest()
    first = await Viewer.watch(browser, portal, guest)
    second = await Viewer.watch(browser, portal, guest)

    seen = await first.type_and_see("KeyA", KEY_A)
    await second.wait_picture(lambda rgb: read_key_count(rgb) == read_key_count(seen), "the first one's key")
    seen = await second.type_and_see("KeyA", KEY_A)
    await first.wait_picture(lambda rgb: read_key_count(rgb) == read_key_count(seen), "the second one's key")
    domain = portal.domain(guest.uuid)
    assert domain is not None and domain["consoles"][0]["viewers"] == 2


@in_both_browsers
async def test_keys_arrive_all_and_in_order(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest()
    viewer = await Viewer.watch(browser, portal, guest)
    await viewer.page.keyboard.type("qwerty")
    wanted = [(qnum, down) for qnum in range(0x10, 0x16) for down in (True, False)]
    await viewer.wait_picture(lambda rgb: (read_keys(rgb) or [])[-12:] == wanted, "q w e r t y in the guest")


@in_both_browsers
async def test_held_keys_go_up_when_the_page_loses_focus_and_when_the_tab_closes(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest()
    holder = await Viewer.open(browser, portal, guest)
    watcher = await Viewer.watch(browser, portal, guest)

    def last_key(down: bool) -> Callable[[Rgb], bool]:
        return lambda rgb: (read_keys(rgb) or [])[-1:] == [(KEY_A, down)]

    await holder.page.bring_to_front()
    await holder.page.keyboard.down("KeyA")
    await watcher.wait_picture(last_key(True), "the key is held")
    await holder.page.evaluate("window.dispatchEvent(new Event('blur'))")
    await watcher.wait_picture(last_key(False), "the key went up on blur")

    await holder.page.keyboard.up("KeyA")
    await holder.page.keyboard.down("KeyA")
    await watcher.wait_picture(last_key(True), "the key is held again")
    await holder.page.close()
    await watcher.wait_picture(last_key(False), "the key went up when the tab closed")


@in_both_browsers
async def test_killed_worker_comes_back_by_itself_with_the_same_qemu(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest()
    before = portal.wait_console(guest.uuid)
    viewer = await Viewer.watch(browser, portal, guest)
    qemu = guest.pid

    os.kill(before["worker_pid"], signal.SIGKILL)

    async def second_connection() -> bool:
        return bool(await viewer.handle("connections") > 1) and await viewer.handle("state") == "connected"

    await wait_for(second_connection, "the page has connected again")
    await viewer.type_and_see("KeyA", KEY_A)
    after = portal.wait_console(guest.uuid)
    assert after["worker_pid"] != before["worker_pid"]
    assert guest.pid == qemu


async def test_hung_worker_is_replaced(make_guest: GuestFactory, portal: Portal) -> None:
    guest = make_guest()
    before = portal.wait_console(guest.uuid)
    os.kill(before["worker_pid"], signal.SIGSTOP)

    def replaced() -> bool:
        return portal.wait_console(guest.uuid)["worker_pid"] not in (None, before["worker_pid"])

    wait_until(replaced, "another worker")


@in_both_browsers
async def test_open_list_follows_start_and_destroy_without_reload(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest(start=False)
    page = await Viewer.sign_in(browser, portal)
    await page.evaluate("window.sameDocument = true")
    link = page.locator(f"a[href$='/console/{guest.uuid}']")
    await page.get_by_text(guest.name).first.wait_for()
    assert await link.count() == 0

    guest.start()
    await link.first.wait_for()
    guest.destroy()
    await link.first.wait_for(state="detached")
    assert await page.evaluate("window.sameDocument")


@in_both_browsers
async def test_open_console_survives_a_restart_of_its_guest(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest()
    viewer = await Viewer.watch(browser, portal, guest)
    guest.destroy()
    await viewer.wait_state("stopped")
    guest.start()
    await viewer.wait_state("connected")
    await viewer.wait_known_picture()


async def test_paused_guest_is_marked_and_goes_on_over_the_same_connection(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest()
    viewer = await Viewer.watch(browser, portal, guest)
    virsh("suspend", guest.uuid)
    await viewer.page.locator("#paused").wait_for(state="visible")
    virsh("resume", guest.uuid)
    await viewer.page.locator("#paused").wait_for(state="hidden")
    await viewer.type_and_see("KeyA", KEY_A)
    assert await viewer.handle("connections") == 1
