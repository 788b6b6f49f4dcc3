"""What goes wrong with one domain, or in the inventory itself, with libvirt's own test driver."""

import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libvirt
import pytest
from lxml import etree

from libvirt_webrtc.domains import inventory as inventory_module
from libvirt_webrtc.domains import reading
from libvirt_webrtc.domains.definition.policy import AutoEnable, Policy
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.snapshot import Domain, DomainState, Snapshot
from libvirt_webrtc.service.domain_status import describe, why_no_console
from tests.domains.following import until
from tests.support.domains import DBUS, VIDEO, domain_xml

BAD, GOOD = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """Two running domains with D-Bus displays, on a node of the test driver's."""
    domains = "".join(
        domain_xml(name, DBUS + VIDEO, uuid).replace("type='qemu'", "type='test'").replace("'pc'", "'x'")
        for name, uuid in (("bad", BAD), ("good", GOOD))
    )
    path = tmp_path / "node.xml"
    path.write_text(f"<node>{domains}</node>")
    return f"test://{path}"


def error(code: int, text: str) -> libvirt.libvirtError:
    made = libvirt.libvirtError(text)
    made.err = (code, libvirt.VIR_FROM_ACCESS, text, 2, None, None, None, -1, -1)
    return made


def denied() -> libvirt.libvirtError:
    return error(libvirt.VIR_ERR_ACCESS_DENIED, "access denied")


def refuse(patch: pytest.MonkeyPatch, method: str, answer: Callable[[], Any], *, uuid: str = BAD) -> None:
    """Have one method of one domain give ``answer``, or raise it."""
    really = getattr(libvirt.virDomain, method)

    def replaced(domain: libvirt.virDomain, *arguments: Any) -> Any:
        if domain.UUIDString() != uuid:
            return really(domain, *arguments)
        given = answer()
        if isinstance(given, Exception):
            raise given
        return given

    patch.setattr(libvirt.virDomain, method, replaced)


def by_name(snapshot: Snapshot) -> dict[str, Domain]:
    return {domain.name: domain for domain in snapshot.domains}


@pytest.mark.parametrize(
    ("method", "answer", "reason"),
    [
        ("state", denied, "access denied"),
        ("XMLDesc", denied, "access denied"),
        ("isPersistent", denied, "access denied"),
        ("XMLDesc", lambda: "<domain>", "not well-formed XML"),
        ("XMLDesc", lambda: "<network/>", "not a domain"),
        ("state", lambda: [99, 0], "domain state 99, which is not known here"),
    ],
)
async def test_a_domain_that_cannot_be_read_is_passed_over_and_says_why(
    uri: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
    answer: Callable[[], Any],
    reason: str,
) -> None:
    monkeypatch.setattr(inventory_module, "POLL_S", 0.02)
    refuse(monkeypatch, method, answer)
    looks = 0

    def count(raw: Any) -> set[reading.Identity]:
        nonlocal looks
        looks += 1
        return reading.identities(raw)

    monkeypatch.setattr(inventory_module, "identities", count)
    async with Inventory(uri) as inventory:
        domains = by_name(inventory.snapshot)
        assert inventory.snapshot.connected and set(domains) == {"bad", "good"}
        assert domains["good"].display is not None and domains["good"].unreadable is None
        assert reason in (why_no_console(domains["bad"]) or "")
        assert reason in (describe(domains["bad"]).reason or "")
        while looks < 3:
            await until(inventory, lambda snapshot: snapshot.connected)
            await inventory.call(lambda raw: raw.getLibVersion())
        assert inventory.snapshot.connected
        monkeypatch.undo()
        inventory.look_again(BAD)
        await until(inventory, lambda snapshot: by_name(snapshot)["bad"].unreadable is None)
    # One line, and none about a lost connection.
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1 and said[0].startswith("domain bad is passed over: "), said


async def test_a_look_parses_each_text_once(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The live XML and the definition, whatever the policy has to decide about them."""
    parsed: list[str] = []
    really = etree.fromstring

    def fromstring(text: bytes, *arguments: Any) -> Any:
        if b"<domain" in text:
            parsed.append(re.findall("<name>(.*)</name>", text.decode())[0])
        return really(text, *arguments)

    monkeypatch.setattr(etree, "fromstring", fromstring)
    async with Inventory(uri, Policy(AutoEnable.ALL)) as inventory:
        assert inventory.snapshot.connected and sorted(parsed) == ["bad", "bad", "good", "good"]
        parsed.clear()
        refuse(monkeypatch, "isPersistent", lambda: 0)
        inventory.look_again(BAD)
        await until(inventory, lambda snapshot: not by_name(snapshot)["bad"].persistent)
        assert parsed == ["bad"]


async def test_a_refused_look_does_not_take_a_running_console_away(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Inventory(uri) as inventory:
        before = by_name(inventory.snapshot)["bad"]
        with monkeypatch.context() as patch:
            refuse(patch, "XMLDesc", denied)
            inventory.look_again(BAD)
            snapshot = await until(inventory, lambda s: by_name(s)["bad"].unreadable is not None)
            now = by_name(snapshot)["bad"]
            assert (now.id, now.state, now.display) == (before.id, DomainState.RUNNING, before.display)
            assert why_no_console(now) is None
        monkeypatch.setattr(inventory_module, "POLL_S", 0.02)
        inventory.look_again(GOOD)  # the present wait is still of the usual length
        await until(inventory, lambda s: by_name(s)["bad"] == before)


async def test_a_domain_that_ceases_to_exist_while_it_is_read_is_gone(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "XMLDesc", lambda: error(libvirt.VIR_ERR_NO_DOMAIN, "Domain not found"))
    async with Inventory(uri) as inventory:
        assert set(by_name(inventory.snapshot)) == {"good"}


async def test_an_unexpected_error_is_told_in_the_list_and_the_inventory_goes_on(
    uri: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with Inventory(uri) as inventory:
        with monkeypatch.context() as patch:

            def fail(*_: object) -> None:
                raise ZeroDivisionError("ours")

            patch.setattr(inventory_module, "read", fail)
            inventory.look_again(GOOD)
            broken = await until(inventory, lambda snapshot: not snapshot.connected)
            assert "unexpected error: ZeroDivisionError('ours')" in (broken.problem or "")
            assert set(by_name(broken)) == {"bad", "good"}
        whole = await until(inventory, lambda snapshot: snapshot.connected)
        assert whole.problem is None
        inventory.look_again(GOOD)
        await until(inventory, lambda snapshot: snapshot.connected)
    assert any(record.exc_info and record.levelno == logging.ERROR for record in caplog.records)


@pytest.mark.parametrize("call", ["read_all", "read", "identities"])
async def test_calls_that_libvirt_takes_and_does_not_answer_are_told(
    uri: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(inventory_module, "ANSWER_S", 0.2)
    monkeypatch.setattr(inventory_module, "POLL_S", 0.05)
    answered, really = threading.Event(), getattr(inventory_module, call)

    def wait(*arguments: Any, **named: Any) -> Any:
        answered.wait()
        return really(*arguments, **named)

    if call == "read_all":
        monkeypatch.setattr(inventory_module, call, wait)
    try:
        # Entering does not wait for ever: the portal is served meanwhile.
        async with Inventory(uri) as inventory:
            monkeypatch.setattr(inventory_module, call, wait)
            inventory.look_again(GOOD)
            told = await until(inventory, lambda snapshot: not snapshot.connected)
            assert told.problem == f"libvirt at {uri} does not answer"
            answered.set()
            await until(inventory, lambda snapshot: snapshot.connected and len(snapshot.domains) == 2)
    finally:
        answered.set()
