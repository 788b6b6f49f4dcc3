"""What a person is told of a guest that sleeps, has crashed, or has no screen; from libvirt's states to the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.viewer import DEADLINE_S, Viewer
from tests.support.domains import DBUS, VIDEO, MakeDomain
from tests.support.libvirtd import virsh
from tests.support.portal import Portal
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

TICKS = 18 * 3
"""The guests do it some seconds after their start, in ticks of the PC's timer."""

SUSPEND = b"\xba\x04\x06\xb8\x00\x24\xef"
"""mov dx, 0x604; mov ax, 0x2400; out dx, ax: the PIIX4's PM1a control register, SLP_EN with S3."""
PANIC = b"\xba\x05\x05\xb0\x01\xee"
"""mov dx, 0x505; mov al, 1; out dx, al: pvpanic."""


@pytest.fixture
def boot_disk(libvirt_uri: str) -> Iterator[Path]:
    path = Path("/var/lib/libvirt/boot-sector.img")
    yield path
    path.unlink(missing_ok=True)


def write_sector(path: Path, code: bytes) -> str:
    """Write a boot sector that waits, runs ``code`` and halts; returns the device that boots it."""
    wait = b"\xfb\xb9" + TICKS.to_bytes(2, "little") + b"\xf4\xe2\xfd"  # sti; mov cx, TICKS; hlt; loop
    halt = b"\xf4\xeb\xfd"
    path.write_bytes((wait + code + halt).ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
    return f"<disk type='file'><source file='{path}'/><target dev='hda' bus='ide'/></disk>"


async def open_page(browser: Browser, portal: Portal, path: str) -> Page:
    page = await Viewer.sign_in(browser, portal)
    await page.goto(portal.url + path)
    return page


async def expect_card(page: Page, title: str, text: str) -> None:
    """The card over the picture says so, once and for all: nothing turns or counts."""
    timeout = DEADLINE_S * 1000
    await expect(page.locator("#notice-title")).to_contain_text(title, timeout=timeout)
    await expect(page.locator("#notice-text")).to_contain_text(text, timeout=timeout)
    await expect(page.locator("#notice-busy")).to_be_hidden()
    await expect(page.locator("#notice-wait")).to_be_empty()


async def test_a_sleeping_guest_says_so_and_a_key_wakes_it(
    make_domain: MakeDomain, portal: Portal, browser: Browser, boot_disk: Path
) -> None:
    uuid = make_domain("sleeper", write_sector(boot_disk, SUSPEND) + DBUS + VIDEO)
    virsh("start", uuid)
    wait_until(lambda: virsh("domstate", uuid) == "pmsuspended", "the guest sleeps")
    page = await open_page(browser, portal, f"/console/{uuid.upper()}")
    await expect_card(page, "is suspended", "virsh dompmwakeup sleeper")
    await expect(page.locator("#status-text")).to_have_text("Suspended")
    await page.locator("#stage").press("Enter")
    wait_until(lambda: virsh("domstate", uuid) == "running", "the guest is awake")
    await expect(page.locator("#status-text")).to_have_text("Connected", timeout=DEADLINE_S * 1000)
    await expect(page.locator("#notice")).to_be_hidden()


async def test_a_crashed_guest_says_so(
    make_domain: MakeDomain, portal: Portal, browser: Browser, boot_disk: Path
) -> None:
    uuid = make_domain(
        "it's crashed",
        write_sector(boot_disk, PANIC) + DBUS + VIDEO + "<panic model='isa'/>",
        metadata="<on_crash>preserve</on_crash>",
    )
    virsh("start", uuid)
    page = await open_page(browser, portal, f"/console/{uuid}")
    await expect_card(page, "has crashed", """virsh reset 'it'"'"'s crashed'""")
    await expect(page.locator("#status-text")).to_have_text("Crashed")
    await expect(page.locator("#notice-back")).to_be_visible()


async def test_a_guest_without_a_screen_says_so_on_the_list_and_on_its_page(
    make_domain: MakeDomain, portal: Portal, browser: Browser
) -> None:
    uuid = make_domain("d", DBUS + "<video><model type='none'/></video>", transient=True)
    page = await open_page(browser, portal, "/")
    row = page.locator(".domain")
    await expect(row.locator(".why")).to_contain_text("It has no screen", timeout=DEADLINE_S * 1000)
    await expect(row.locator("a[href]")).to_have_count(0)
    await page.goto(f"{portal.url}/console/{uuid}")
    await expect_card(page, "has no console now", "It has no screen")
    await page.locator("#notice-back").click()
    await page.wait_for_url(f"{portal.url}/")


async def test_a_screen_that_is_not_there_is_told_with_a_way_back(
    make_domain: MakeDomain, portal: Portal, browser: Browser
) -> None:
    uuid = make_domain("d", DBUS + VIDEO, transient=True)
    portal.wait_console(uuid)
    page = await open_page(browser, portal, f"/console/{uuid}?console=7")
    await expect_card(page, "has no such screen now", "console 7")
    await expect(page.locator("#notice-back")).to_be_visible()
