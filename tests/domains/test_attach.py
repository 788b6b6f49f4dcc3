"""A running guest gets its console without a reboot, on a real libvirtd."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from libvirt_webrtc.domains import attach as attach_module
from libvirt_webrtc.domains.attach import attach, check
from libvirt_webrtc.domains.libvirt_api import VirDomain
from libvirt_webrtc.domains.managed_save import Phase, Progress, wait_until_idle
from libvirt_webrtc.errors import CannotAttach, HypervisorError, NoSuchDomain
from tests.domains.relay import Relay
from tests.support.domain_xml import find_dbus_display
from tests.support.domains import DBUS, VIDEO, VNC, MakeDomain
from tests.support.emulators import Emulator
from tests.support.guests import Guest, GuestFactory
from tests.support.libvirtd import PrivateLibvirtd, virsh
from tests.support.screen import Screen
from tests.support.waiting import wait_until

pytestmark = pytest.mark.libvirt

SAVE_FOLDER = Path("/var/lib/libvirt/qemu/save")
KEYS = ("KEY_A", "KEY_B", "KEY_C")


def nothing(_: Progress) -> None:
    """Nobody follows."""


def has_display(guest: Guest) -> bool:
    return find_dbus_display(guest.xml()) is not None


def state(guest: Guest) -> str:
    return virsh("domstate", guest.uuid)


@pytest.fixture
def screen(make_guest: GuestFactory, tmp_path: Path) -> Screen:
    """Of a linux guest without a console."""
    return Screen(make_guest("linux", display=False), tmp_path)


def test_guest_goes_on_where_it_was_and_its_display_can_be_opened(
    libvirt_uri: str, make_guest: GuestFactory, emulator: Emulator, tmp_path: Path
) -> None:
    guest = make_guest("linux", display=False, emulator=emulator)
    screen = Screen(guest, tmp_path)
    count = screen.press_until_seen(*KEYS)
    before, definition = guest.xml(), guest.xml("--inactive")
    told: list[Progress] = []

    attach(libvirt_uri, guest.name, told.append)

    assert has_display(guest) and state(guest) == "running"
    assert screen.key_count() == count
    screen.press_until_seen("KEY_D")
    assert guest.xml("--inactive") == definition
    assert virsh("dominfo", guest.uuid).split("Managed save:")[1].split()[0] == "no"
    assert [each.phase for each in told] == sorted((each.phase for each in told), key=list(Phase).index)
    assert told[-1].phase is Phase.STARTING
    assert all(each.percent is None or 0 <= each.percent <= 100 for each in told)
    assert guest.xml().count("<graphics ") == before.count("<graphics ") + 1
    with pytest.raises(CannotAttach, match="already has its display"):
        attach(libvirt_uri, guest.name, nothing)


def test_paused_guest_stays_paused(libvirt_uri: str, screen: Screen) -> None:
    guest = screen.guest
    count = screen.press_until_seen(*KEYS)
    virsh("suspend", guest.uuid)
    attach(libvirt_uri, guest.uuid, nothing)
    assert state(guest) == "paused" and has_display(guest)
    virsh("resume", guest.uuid)
    assert screen.key_count() == count
    screen.press_until_seen("KEY_D")


@pytest.mark.parametrize(
    ("devices", "reason"),
    [
        (VNC + DBUS + VIDEO, "already has its display"),
        ("", "no video device"),
    ],
    ids=["display", "headless"],
)
def test_running_domain_is_refused_before_it_is_touched(
    libvirt_uri: str, make_domain: MakeDomain, devices: str, reason: str
) -> None:
    uuid = make_domain("d", devices)
    virsh("start", uuid)
    number = virsh("domid", uuid)
    with pytest.raises(CannotAttach, match=reason):
        check(libvirt_uri, uuid)
    with pytest.raises(CannotAttach, match=reason):
        attach(libvirt_uri, uuid, nothing)
    assert virsh("domid", uuid) == number


def test_transient_stopped_and_unknown_domains_are_refused(libvirt_uri: str, make_domain: MakeDomain) -> None:
    with pytest.raises(CannotAttach, match="'t' is transient"):
        check(libvirt_uri, make_domain("t", transient=True))
    with pytest.raises(CannotAttach, match="'s' is not running"):
        check(libvirt_uri, make_domain("s"))
    with pytest.raises(NoSuchDomain):
        check(libvirt_uri, "nobody")


def test_what_libvirt_cannot_save_goes_on_running(libvirt_uri: str, make_guest: GuestFactory) -> None:
    def with_shared_memory(xml: str) -> str:
        shmem = "<shmem name='t' role='peer'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>"
        return xml.replace("</devices>", shmem + "</devices>")

    guest = make_guest(display=False, edit=with_shared_memory)
    number = virsh("domid", guest.uuid)
    with pytest.raises(HypervisorError, match="goes on as it was, without a console: it could not be saved"):
        attach(libvirt_uri, guest.uuid, nothing)
    assert virsh("domid", guest.uuid) == number and state(guest) == "running"


@pytest.fixture
def small_save_folder(libvirt_uri: str) -> Iterator[Path]:
    """Too small for any guest's memory."""
    SAVE_FOLDER.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "small", SAVE_FOLDER], check=True)
    yield SAVE_FOLDER
    subprocess.run(["umount", SAVE_FOLDER], check=True)


def test_guest_goes_on_where_the_disk_is_full(
    libvirt_uri: str, screen: Screen, small_save_folder: Path
) -> None:
    guest = screen.guest
    count = screen.press_until_seen(*KEYS)
    number = virsh("domid", guest.uuid)
    with pytest.raises(HypervisorError, match="without a console: it could not be saved"):
        attach(libvirt_uri, guest.uuid, nothing)
    assert virsh("domid", guest.uuid) == number and state(guest) == "running"
    assert screen.key_count() == count
    screen.press_until_seen("KEY_D")
    assert not list(small_save_folder.iterdir())


@pytest.fixture
def emulator_without_dbus(emulator: Emulator) -> Iterator[Emulator]:
    """Says that it has the display, and fails as soon as it is to have one: a module that is missing."""
    path = Path("/run/qemu-without-dbus")  # where QEMU's user gets to
    path.write_text(
        f'#!/bin/sh\ncase " $* " in *" dbus,"*|*"-display dbus"*) echo broken >&2; exit 1;; esac\n'
        f'exec {emulator.path} "$@"\n'
    )
    path.chmod(0o755)
    yield Emulator(path, emulator.version)
    path.unlink()


def test_guest_that_does_not_start_with_the_display_goes_on_without(
    libvirt_uri: str, make_guest: GuestFactory, emulator_without_dbus: Emulator, tmp_path: Path
) -> None:
    guest = make_guest("linux", display=False, emulator=emulator_without_dbus)
    screen = Screen(guest, tmp_path)
    count = screen.press_until_seen(*KEYS)
    before = virsh("dumpxml", guest.uuid, "--xpath", "/domain/devices/graphics")
    with pytest.raises(HypervisorError, match="goes on as it was, without a console: it did not start with"):
        attach(libvirt_uri, guest.uuid, nothing)
    assert state(guest) == "running" and not has_display(guest)
    assert screen.key_count() == count
    screen.press_until_seen("KEY_D")
    after = virsh("dumpxml", guest.uuid, "--xpath", "/domain/devices/graphics")
    assert before.count("<graphics") == after.count("<graphics") == 1
    assert "libvirt-webrtc.org" not in guest.xml()


@contextmanager
def frozen_qemu(guest: Guest) -> Iterator[None]:
    pid = guest.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class InThread(threading.Thread):
    """attach, and what it raises."""

    def __init__(self, uri: str, guest: Guest) -> None:
        super().__init__(daemon=True)
        self.cancelled = threading.Event()
        self.phase: Phase | None = None
        self.error: Exception | None = None
        self._arguments = (uri, guest.uuid)
        self.start()

    def run(self) -> None:
        try:
            attach(*self._arguments, self._follow, self.cancelled)
        except HypervisorError as error:
            self.error = error

    def _follow(self, progress: Progress) -> None:
        self.phase = progress.phase


def is_being_saved(guest: Guest) -> bool:
    """As libvirtd notes for the one that comes after it: asking it would wait for the guest's QEMU."""
    return "async='save'" in Path(f"/run/libvirt/qemu/{guest.name}.xml").read_text()


def test_libvirtd_that_dies_while_it_saves_leaves_the_guest_running(
    libvirtd: PrivateLibvirtd, libvirt_uri: str, screen: Screen
) -> None:
    guest = screen.guest
    count = screen.press_until_seen(*KEYS)
    with frozen_qemu(guest):
        attaching = InThread(libvirt_uri, guest)
        wait_until(lambda: is_being_saved(guest), "it is being saved")
        os.kill(libvirtd.pid, signal.SIGKILL)
    libvirtd.restart()
    attaching.join(90)
    assert attaching.error is not None and "without a console" in str(attaching.error)
    assert state(guest) == "running"
    assert screen.key_count() == count
    screen.press_until_seen("KEY_D")
    attach(libvirt_uri, guest.uuid, nothing)
    assert has_display(guest) and (screen.key_count() or 0) == count + 2


@pytest.fixture
def relay(libvirt_uri: str, tmp_path: Path) -> Iterator[Relay]:
    with Relay(tmp_path) as running:
        yield running


def test_a_connection_that_breaks_while_libvirtd_saves_on_does_not_leave_the_guest_saved(
    relay: Relay, screen: Screen
) -> None:
    guest = screen.guest
    count = screen.press_until_seen(*KEYS)
    with frozen_qemu(guest):
        attaching = InThread(relay.uri, guest)
        wait_until(lambda: is_being_saved(guest), "it is being saved")
        relay.cut()
    attaching.join(90)
    assert not attaching.is_alive() and attaching.error is None
    assert state(guest) == "running" and has_display(guest)
    assert attaching.phase is Phase.STARTING
    assert screen.key_count() == count
    screen.press_until_seen("KEY_D")


def test_a_save_that_is_cancelled_after_its_connection_broke_lets_the_guest_go_on(
    relay: Relay, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_by: list[threading.Event | None] = []

    def wait(domain: VirDomain, cancelled: threading.Event | None = None) -> None:
        ends_by.append(cancelled)
        wait_until_idle(domain, cancelled)

    monkeypatch.setattr(attach_module, "wait_until_idle", wait)
    guest = screen.guest
    count = screen.press_until_seen(*KEYS)
    with frozen_qemu(guest):
        attaching = InThread(relay.uri, guest)
        wait_until(lambda: is_being_saved(guest), "it is being saved")
        relay.cut()
        attaching.cancelled.set()
    attaching.join(90)
    assert not attaching.is_alive() and attaching.cancelled in ends_by
    # libvirt may have been past the point where a save can be ended: then the guest comes back with its console.
    assert has_display(guest) or "without a console: cancelled" in str(attaching.error)
    assert state(guest) == "running"
    assert screen.key_count() == count
    screen.press_until_seen("KEY_D")
