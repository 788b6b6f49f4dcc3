"""What the hook makes of a guest's XML."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.errors import DomainXMLError
from libvirt_webrtc.hook.check import DEAD_BUS, PLAIN
from libvirt_webrtc.hook.filter import XML_LIMIT, filtered, sealed
from tests.support.domain_xml import add_dbus_display, find_dbus_display, write_settings

ALL, TAGGED, NONE = (Policy.of(word, "auto") for word in ("all", "tagged", "none"))
LIBVIRT = {"libvirt", "libvirt_webrtc.domains.libvirt_api", "asyncio"}


def answer(xml: str, policy: Policy) -> str | None:
    text = filtered(xml.encode(), policy)
    return text.decode() if text is not None else None


def test_policy_all_adds_the_display_to_any_guest() -> None:
    assert answer(PLAIN, ALL) == add_dbus_display(PLAIN)


@pytest.mark.parametrize("policy", [TAGGED, NONE])
def test_other_policies_leave_a_guest_as_it_is(policy: Policy) -> None:
    assert answer(PLAIN, policy) is None


def test_policy_tagged_adds_it_where_the_guests_settings_ask_for_it() -> None:
    after = answer(write_settings(PLAIN, enabled=True), TAGGED)
    assert after is not None and find_dbus_display(after) is not None


def test_a_guest_whose_settings_say_no_stays_as_it_is() -> None:
    assert answer(write_settings(PLAIN, enabled=False), ALL) is None


def test_nothing_is_taken_away_from_a_guest_that_has_a_display() -> None:
    assert answer(write_settings(add_dbus_display(PLAIN), enabled=False), ALL) is None


def test_what_it_added_it_does_not_add_again() -> None:
    assert answer(add_dbus_display(PLAIN), ALL) is None


def test_a_display_that_the_user_deleted_stays_deleted() -> None:
    deleted = add_dbus_display(PLAIN).replace('<graphics type="dbus" p2p="yes"/>', "")
    assert answer(deleted, ALL) is None


def test_no_guest_gets_opengl() -> None:
    headless = PLAIN.replace("<graphics type='vnc' port='-1'/>", "")
    assert answer(headless, Policy.of("all", "on")) is None
    assert answer(write_settings(headless, enabled=True, gl=Gl.ON), ALL) is None
    assert answer(headless, ALL) is not None


@pytest.mark.parametrize("policy", [ALL, TAGGED, NONE])
def test_the_address_of_a_bus_that_ended_goes_whatever_the_policy(policy: Policy) -> None:
    after = answer(DEAD_BUS, policy)
    assert after is not None
    display = find_dbus_display(after)
    assert display is not None and not display.p2p and display.address is None and not display.ours


def test_a_bus_that_somebody_chose_stays() -> None:
    for address in ("unix:path=/run/user/1000/bus", "unix:abstract=x", "unix:path=/run/dbus/1-x-dbus.sock"):
        assert (
            answer(DEAD_BUS.replace("unix:path=/run/libvirt/qemu/dbus/1-check-dbus.sock", address), ALL)
            is None
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace("<video>\n      <model type='vga'/>\n    </video>", ""),
        lambda xml: xml.replace("<graphics type='vnc' port='-1'/>", "").replace("x86_64", "ppc64"),
    ],
    ids=["no-video", "first-graphics-on-ppc64"],
)
def test_a_guest_that_would_get_further_devices_stays_as_it_is(change: Callable[[str], str]) -> None:
    changed = change(PLAIN)
    assert changed != PLAIN
    assert answer(changed, ALL) is None


@pytest.mark.parametrize(
    ("says", "added"),
    [
        ("echo none; echo dbus", True),
        ("echo none", False),
        ("echo no-dbus-here", False),
        ("echo dbus; exec sleep 1000", False),
        ("exit 1", False),
        (None, False),
    ],
)
def test_a_guest_whose_qemu_has_no_such_display_stays_as_it_is(says: str | None, added: bool) -> None:
    # Not in pytest's folders: it runs as nobody.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        emulator = Path(name) / "qemu"
        if says is not None:
            emulator.write_text(f'#!/bin/sh\n[ "$*" = "-display help" ] || exit 1\n{says}\n')
            emulator.chmod(0o755)
        xml = PLAIN.replace("<devices>", f"<devices><emulator>{emulator}</emulator>")
        assert (answer(xml, ALL) is not None) is added


def test_what_would_stop_the_guest_is_not_added() -> None:
    assert answer(PLAIN.replace("type='vnc' port='-1'", "type='sdl'"), ALL) is None


@pytest.mark.parametrize("data", [b"", b"<domain", b"<network/>", b"\xff", b"<domain/>" + bytes(XML_LIMIT)])
def test_what_is_no_domain_is_refused(data: bytes) -> None:
    with pytest.raises(DomainXMLError):
        filtered(data, ALL)


def test_the_seal_is_what_sha256sum_prints() -> None:
    first, _, rest = sealed(b"<domain/>\n\n").partition(b"\n")
    assert rest == b"<domain/>"
    assert first.decode() == f"libvirt-webrtc {hashlib.sha256(rest).hexdigest()}  -"


def run(policy: Path | str, stdin: str = PLAIN) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "libvirt_webrtc.hook", str(policy)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True)


def test_without_a_policy_it_says_so_and_adds_nothing(tmp_path: Path) -> None:
    done = run(tmp_path / "missing")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing is added" in done.stderr
    repaired = run(tmp_path / "missing", DEAD_BUS)
    assert repaired.stdout == sealed(answer(DEAD_BUS, NONE).encode()).decode()  # type: ignore[union-attr]


def test_it_fails_without_output_for_what_is_no_domain(tmp_path: Path) -> None:
    done = run(tmp_path / "missing", "<network/>")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


def test_nothing_it_imports_talks_to_libvirt() -> None:
    code = "import libvirt_webrtc.hook.__main__, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not LIBVIRT & set(json.loads(done.stdout))
