"""A running guest gets its console in the middle of what it does, from the list and from the command line."""

import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from examples.guests.reading import read_key_count
from libvirt_webrtc.domains.actions import enable
from libvirt_webrtc.domains.libvirt_api import open_connection
from tests.e2e.viewer import DEADLINE_S, Viewer
from tests.support.domain_xml import find_dbus_display
from tests.support.guests import GuestFactory
from tests.support.libvirtd import virsh
from tests.support.portal import Portal
from tests.support.screen import Screen
from tests.support.waiting import wait_until

pytestmark = pytest.mark.libvirt

KEY_D = 0x20


@pytest.mark.browser
async def test_console_on_request_shows_the_guest_where_it_was(
    libvirt_uri: str, make_guest: GuestFactory, portal: Portal, browser: Browser, tmp_path: Path
) -> None:
    guest = make_guest("linux", display=False)
    connection = open_connection(libvirt_uri)
    enable(connection, guest.uuid)
    connection.close()
    count = Screen(guest, tmp_path).press_until_seen("KEY_A", "KEY_B")
    page = await Viewer.sign_in(browser, portal)
    row = page.locator(".domain", has_text=guest.name)
    await row.locator(".attach").click()
    await page.locator("#attach-go").click()
    await expect(row.locator("a")).to_have_attribute(
        "href", re.compile(f"/console/{guest.uuid}$"), timeout=DEADLINE_S * 1000
    )
    await expect(row.locator(".attach")).to_be_hidden()

    viewer = await Viewer.click(page, guest)
    await viewer.wait_picture(lambda rgb: read_key_count(rgb) == count, "the keys from before")
    await viewer.type_and_see("KeyD", KEY_D)
    listed = portal.domain(guest.uuid)
    assert listed is not None and listed["actions"] == [] and listed["state"] == "running"


def command(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "libvirt_webrtc", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_command_attaches_and_enables(libvirt_uri: str, make_guest: GuestFactory) -> None:
    guest = make_guest(display=False)
    with command("attach", "--uri", libvirt_uri, guest.name) as attach:
        out, err = attach.communicate(timeout=DEADLINE_S)
    assert attach.returncode == 0, err
    assert out.startswith(f"{guest.name} has a console now\n") and "next starts" in out
    assert err.splitlines() == ["the guest's memory is being saved", "the guest is being started again"]
    for flags in ((), ("--inactive",)):
        assert find_dbus_display(guest.xml(*flags)) is not None
    with command("attach", "--uri", libvirt_uri, guest.name) as attach:
        out, err = attach.communicate(timeout=DEADLINE_S)
    assert attach.returncode == 1 and not out
    assert err == "libvirt-webrtc: it already has its display\n"


HELPER = Path("/usr/lib/libvirt/libvirt_iohelper")
"""libvirt's, that writes saved guests to disk."""


@pytest.fixture
def slow_disk(libvirt_uri: str) -> Iterator[Path]:
    """Saving takes no time here; with this it goes on once the file that this gives is there."""
    folder = Path("/run/slow-disk")
    folder.mkdir()
    go = folder / "go"
    shutil.copy2(HELPER, folder / "helper")
    script = folder / "script"
    script.write_text(f'#!/bin/sh\nwhile [ ! -e {go} ]; do sleep 0.05; done\nexec {folder}/helper "$@"\n')
    script.chmod(0o755)
    subprocess.run(["mount", "--bind", script, HELPER], check=True)
    yield go
    go.touch()
    subprocess.run(["umount", HELPER], check=True)
    shutil.rmtree(folder)


def test_ctrl_c_ends_the_save_and_the_guest_goes_on(
    libvirt_uri: str, make_guest: GuestFactory, slow_disk: Path, tmp_path: Path
) -> None:
    guest = make_guest("linux", display=False)
    screen = Screen(guest, tmp_path)
    count = screen.press_until_seen("KEY_A", "KEY_B")
    number = virsh("domid", guest.uuid)

    with command("attach", "--uri", libvirt_uri, guest.name) as attach:
        try:
            assert attach.stderr is not None
            assert attach.stderr.readline() == "the guest's memory is being saved\n"
            wait_until(lambda: virsh("domstate", guest.uuid) == "paused", "it is being saved")
            attach.send_signal(signal.SIGINT)
            assert "cancelled" in attach.stderr.readline()
        finally:
            slow_disk.touch()
        out, err = attach.communicate(timeout=DEADLINE_S)
    assert attach.returncode == 1 and not out
    assert err == f"libvirt-webrtc: '{guest.name}' goes on as it was, without a console: cancelled\n"
    assert virsh("domid", guest.uuid) == number and virsh("domstate", guest.uuid) == "running"
    assert screen.key_count() == count
    screen.press_until_seen("KEY_D")


def test_guest_comes_back_where_the_portal_is_killed_meanwhile(
    libvirt_uri: str,
    make_guest: GuestFactory,
    start_portal: Callable[..., Portal],
    slow_disk: Path,
    tmp_path: Path,
) -> None:
    guest = make_guest("linux", display=False)
    connection = open_connection(libvirt_uri)
    enable(connection, guest.uuid)
    connection.close()
    screen = Screen(guest, tmp_path)
    count = screen.press_until_seen("KEY_A", "KEY_B")
    portal = start_portal()
    path = f"{portal.own}/api/domains/{guest.uuid}/actions/attach"
    bearer = {"Authorization": f"Bearer {portal.token}"}
    with urllib.request.urlopen(urllib.request.Request(path, headers=bearer, method="POST")) as response:
        assert response.status == 202
    wait_until(lambda: virsh("domstate", guest.uuid) == "paused", "it is being saved")
    portal.process.kill()
    portal.process.wait()
    slow_disk.touch()
    wait_until(lambda: virsh("domstate", guest.uuid) == "shut off", "libvirt has saved it", DEADLINE_S)

    start_portal().wait_console(guest.uuid)
    assert virsh("domstate", guest.uuid) == "running"
    assert screen.key_count() == count
