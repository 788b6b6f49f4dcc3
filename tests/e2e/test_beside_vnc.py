"""A VNC client and the portal on one guest at the same time, as with virt-manager open beside it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from playwright.async_api import Browser

from examples.guests.blocks import Key
from examples.guests.comparison import compare
from examples.guests.layout import Rgb
from examples.guests.reading import read_key_count, read_keys, read_pointer
from tests.e2e.viewer import Viewer, wait_for
from tests.support.emulators import Emulator
from tests.support.guests import Guest, GuestFactory
from tests.support.portal import Portal
from tests.support.rfb import Rfb

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

QNUM = {"q": 0x10, "w": 0x11, "e": 0x12, "r": 0x13, "a": 0x1E, "s": 0x1F, "d": 0x20, "f": 0x21}


def vnc_socket(guest: Guest) -> Path:
    listen = etree.fromstring(guest.xml().encode()).find("devices/graphics[@type='vnc']/listen")
    assert listen is not None
    return Path(listen.get("socket") or "")


async def shows(client: Rfb, wanted: Callable[[Rgb], object], what: str) -> Rgb:
    """The first picture in the VNC client that is as wanted."""

    async def found() -> Rgb | None:
        rgb = await client.picture()
        return rgb if wanted(rgb) else None

    picture: Rgb = await wait_for(found, f"{what} in the VNC client")
    return picture


def keys_of(text: str) -> list[Key]:
    return [Key(QNUM[letter], down) for letter in text for down in (True, False)]


def read(rgb: Rgb) -> list[Key]:
    return read_keys(rgb) or []


def went_up(letter: str) -> Callable[[Rgb], bool]:
    return lambda rgb: Key(QNUM[letter], False) in read(rgb)


def pointer_is_at(x: int, y: int) -> Callable[[Rgb], bool]:
    return lambda rgb: (read_pointer(rgb) or (-1, -1))[:2] == (x, y)


async def test_vnc_and_portal_type_at_the_same_time_and_both_see_both(
    make_guest: GuestFactory, portal: Portal, browser: Browser, emulator: Emulator
) -> None:
    guest = make_guest(emulator=emulator)
    portal.wait_console(guest.uuid)
    viewer = await Viewer.open(browser, portal, guest)
    await viewer.wait_known_picture()
    async with await Rfb.connect_unix(vnc_socket(guest)) as client:
        nonce = int(guest.nonce, 16)
        await shows(client, lambda rgb: compare(rgb, nonce).ok, "the known picture with its nonce")

        async def type_in_vnc(text: str) -> None:
            for letter in text:
                await client.press(ord(letter))
                await shows(client, went_up(letter), f"{letter} up")

        async def type_in_portal(text: str) -> None:
            for letter in text:
                await viewer.press(f"Key{letter.upper()}")
                await viewer.wait_picture(went_up(letter), f"{letter} up")

        await asyncio.gather(type_in_vnc("qwer"), type_in_portal("asdf"))

        def all_sixteen(rgb: Rgb) -> bool:
            return read_key_count(rgb) == 16

        seen = read(await shows(client, all_sixteen, "16 key events"))
        assert read(await viewer.wait_picture(all_sixteen, "16 key events")) == seen
        for text in ("qwer", "asdf"):
            assert [key for key in seen if key.qnum in map(QNUM.__getitem__, text)] == keys_of(text)


async def test_vnc_and_portal_move_the_pointer_in_turns_and_both_see_it(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("linux")
    portal.wait_console(guest.uuid)
    viewer = await Viewer.open(browser, portal, guest)
    await viewer.wait_known_picture()
    # One guest pixel is one page pixel then, so that the position is exact.
    await viewer.page.locator("#scaling").select_option("actual")
    async with await Rfb.connect_unix(vnc_socket(guest)) as client:
        for here, there in (((300, 400), (200, 500)), ((310, 410), (210, 510))):
            await viewer.point_at(*here)
            await viewer.wait_picture(pointer_is_at(*here), f"the portal's pointer at {here}")
            await shows(client, pointer_is_at(*here), f"the portal's pointer at {here}")
            await client.point_at(*there)
            await shows(client, pointer_is_at(*there), f"VNC's pointer at {there}")
            await viewer.wait_picture(pointer_is_at(*there), f"VNC's pointer at {there}")
