"""The policy carried out on a real libvirtd."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from libvirt_webrtc.domains import actions
from libvirt_webrtc.domains import reconciler as reconciler_module
from libvirt_webrtc.domains.actions import Outcome, disable
from libvirt_webrtc.domains.definition.policy import AutoEnable, Policy
from libvirt_webrtc.domains.definition.settings import SETTINGS_NAMESPACE
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.libvirt_api import VirConnect
from libvirt_webrtc.domains.reconciler import TRIES, Reconciler
from libvirt_webrtc.domains.snapshot import Domain, Snapshot
from libvirt_webrtc.errors import HypervisorError
from libvirt_webrtc.service.domain_status import why_no_console
from tests.domains.following import until, until_domain, until_gone
from tests.support.domain_xml import find_dbus_display
from tests.support.domains import DBUS, VIDEO, VNC, MakeDomain
from tests.support.guests import define
from tests.support.libvirtd import PrivateLibvirtd, virsh

pytestmark = pytest.mark.libvirt

ALL, TAGGED, NONE = Policy(AutoEnable.ALL), Policy(AutoEnable.TAGGED), Policy(AutoEnable.NONE)
SECRET_VNC = VNC.replace("/>", " passwd='secret'/>")
SDL = "<graphics type='sdl'/>"


@asynccontextmanager
async def following(uri: str, policy: Policy = ALL) -> AsyncIterator[Inventory]:
    async with Inventory(uri, policy) as inventory, Reconciler(inventory):
        yield inventory


async def in_thread(*arguments: str) -> str:
    """virsh beside the reconciler, which goes on meanwhile."""
    return await asyncio.to_thread(virsh, *arguments)


async def enabled(inventory: Inventory, uuid: str) -> Domain:
    return await until_domain(inventory, uuid, lambda d: d.next_display is not None)


async def barrier(inventory: Inventory, make_domain: MakeDomain, name: str = "barrier") -> None:
    """Until a domain that was defined later has its console: earlier ones have been seen to then."""
    await enabled(inventory, make_domain(name, SECRET_VNC + VIDEO, metadata=tag("yes")))


def tag(enabled: str) -> str:
    return f"<metadata><s:console xmlns:s='{SETTINGS_NAMESPACE}' enabled='{enabled}'/></metadata>"


def definition(uuid: str) -> str:
    return virsh("dumpxml", "--inactive", "--security-info", uuid)


async def test_defined_domain_is_reconciled_and_starts_with_a_console(
    libvirt_uri: str, make_domain: MakeDomain
) -> None:
    before = make_domain("before", SECRET_VNC + VIDEO)
    async with following(libvirt_uri) as inventory:
        await enabled(inventory, before)
        uuid = make_domain("d", SECRET_VNC + VIDEO)
        domain = await enabled(inventory, uuid)
        assert domain.next_display is not None and domain.next_display.ours
        virsh("start", uuid)
        domain = await until_domain(inventory, uuid, lambda d: d.id is not None)
        assert why_no_console(domain) is None
    for each in (before, uuid):
        assert "passwd='secret'" in definition(each)


async def test_started_at_once_gets_it_for_the_next_start_and_says_how_to_have_it_now(
    libvirt_uri: str, make_domain: MakeDomain
) -> None:
    async with following(libvirt_uri) as inventory:
        uuid = make_domain("d")
        virsh("start", uuid)
        await enabled(inventory, uuid)
        domain = await until_domain(inventory, uuid, lambda d: d.id is not None)
        assert domain.display is None
        reason = why_no_console(domain)
        assert reason is not None and "attach d" in reason and "shut it down and start it again" in reason
        virsh("destroy", uuid)
        virsh("start", uuid)
        await until_domain(inventory, uuid, lambda d: d.display is not None)


async def test_display_deleted_by_the_user_stays_deleted(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("d")
    async with following(libvirt_uri) as inventory:
        await enabled(inventory, uuid)
        edited = definition(uuid).replace(DBUS, "")
        define(edited)
        domain = await until_domain(inventory, uuid, lambda d: d.next_display is None)
        assert "deleted by hand" in (why_no_console(domain) or "")
        after = definition(uuid)
        virsh("start", uuid)
        virsh("destroy", uuid)
        await barrier(inventory, make_domain)
        assert definition(uuid) == after
    async with following(libvirt_uri) as inventory:
        await barrier(inventory, make_domain, "later")
    assert definition(uuid) == after and find_dbus_display(after) is None


async def test_settings_by_virsh_metadata_count(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("d", SECRET_VNC + VIDEO)
    before = definition(uuid)
    command = ("metadata", uuid, "--config", "--uri", SETTINGS_NAMESPACE, "--key", "lvws", "--set")
    async with following(libvirt_uri, TAGGED) as inventory:
        await barrier(inventory, make_domain)
        assert definition(uuid) == before
        await in_thread(*command, "<console enabled='yes'/>")
        await enabled(inventory, uuid)
        await in_thread(*command, "<console enabled='no'/>")
        await until_domain(inventory, uuid, lambda d: d.next_display is None)
        await in_thread(*command, "<console enabled='yes'/>")
        await enabled(inventory, uuid)
        await in_thread(*command, "<console enabled='maybe'/>")
        await until_domain(inventory, uuid, lambda d: d.plan is not None and "maybe" in d.plan.reason)
        assert find_dbus_display(definition(uuid)) is not None


async def test_disable_is_an_opt_out(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("d")
    async with following(libvirt_uri) as inventory:
        await enabled(inventory, uuid)
        await inventory.call(lambda raw: disable(raw, uuid))
        await until_domain(inventory, uuid, lambda d: d.next_display is None)
        after = definition(uuid)
        await barrier(inventory, make_domain)
        assert definition(uuid) == after and 'enabled="no"' in after.replace("'", '"')


async def test_what_must_not_be_touched_is_not(libvirt_uri: str, make_domain: MakeDomain) -> None:
    foreign = make_domain("foreign", SECRET_VNC + DBUS + VIDEO)
    sdl = make_domain("sdl", SDL + VIDEO)
    transient = make_domain("transient", transient=True)
    before = [definition(foreign), definition(sdl)]
    async with following(libvirt_uri) as inventory:
        await barrier(inventory, make_domain)
        domain = await until_domain(inventory, sdl)
        assert "'sdl'" in (why_no_console(domain) or "")
        domain = await until_domain(inventory, transient)
        assert "transient" in (why_no_console(domain) or "")
        assert virsh("list", "--all", "--persistent", "--name").split() == ["barrier", "foreign", "sdl"]
        virsh("destroy", transient)
        await until_gone(inventory, transient)
    assert [definition(foreign), definition(sdl)] == before


async def test_policy_none_changes_nothing(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("d", metadata=tag("yes"))
    before = definition(uuid)
    async with following(libvirt_uri, NONE) as inventory:
        domain = await until_domain(inventory, uuid)
        assert domain.plan is not None and not domain.plan.changed
        assert why_no_console(domain) == "not enabled: libvirt-webrtc enable d"
    assert definition(uuid) == before


async def test_nothing_is_written_twice_nor_by_a_rename(
    libvirt_uri: str, make_domain: MakeDomain, writes: list[Outcome]
) -> None:
    async with following(libvirt_uri) as inventory:
        uuid = make_domain("d")
        await enabled(inventory, uuid)
        virsh("domrename", uuid, "renamed")
        await until_domain(inventory, uuid, lambda d: d.name == "renamed")
        virsh("start", uuid)
        virsh("destroy", uuid)
        await barrier(inventory, make_domain)
    assert [each.name for each in writes if each.changed] == ["d", "barrier"]


async def test_a_burst_of_definitions_is_written_once(
    libvirt_uri: str, make_domain: MakeDomain, writes: list[Outcome]
) -> None:
    uuid = make_domain("d")
    xml = definition(uuid)
    async with following(libvirt_uri) as inventory:
        for size in range(33, 40):
            define(xml.replace(">32768<", f">{size * 1024}<"))
        await enabled(inventory, uuid)
        await barrier(inventory, make_domain)
    assert f">{39 * 1024}<" in definition(uuid)
    assert len([each for each in writes if each.changed and each.uuid == uuid]) == 1


async def test_three_failures_are_told_and_others_go_on(
    libvirt_uri: str,
    make_domain: MakeDomain,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(reconciler_module, "RETRY_S", 0.05)
    bad = make_domain("bad")
    tries: list[str] = []
    really = actions.reconcile

    def reconcile(connection: VirConnect, uuid: str, policy: Policy) -> Outcome:
        if uuid != bad:
            return really(connection, uuid, policy)
        tries.append(uuid)
        raise HypervisorError("libvirt does not like it")

    monkeypatch.setattr(reconciler_module, "reconcile", reconcile)
    async with following(libvirt_uri) as inventory:
        good = make_domain("good")
        domain = await until_domain(inventory, bad, lambda d: d.problem is not None)
        assert why_no_console(domain) == "a console could not be added: libvirt does not like it"
        assert len(tries) == TRIES
        assert "domain bad: given up after 3 tries: libvirt does not like it" in caplog.text
        await enabled(inventory, good)
        virsh("start", bad)
        virsh("destroy", bad)
        await barrier(inventory, make_domain)
        assert len(tries) == TRIES
        monkeypatch.setattr(reconciler_module, "reconcile", really)
        # Another definition is another matter.
        define(definition(bad).replace(">32768<", ">40960<"))
        domain = await enabled(inventory, bad)
        assert domain.problem is None


async def test_an_unexpected_error_is_told_and_others_go_on(
    libvirt_uri: str,
    make_domain: MakeDomain,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = make_domain("bad")
    really = actions.reconcile

    def reconcile(connection: VirConnect, uuid: str, policy: Policy) -> Outcome:
        if uuid == bad:
            raise ZeroDivisionError("ours")
        return really(connection, uuid, policy)

    monkeypatch.setattr(reconciler_module, "reconcile", reconcile)
    async with following(libvirt_uri) as inventory:
        domain = await until_domain(inventory, bad, lambda d: d.problem is not None)
        assert "unexpected error: ZeroDivisionError('ours')" in (why_no_console(domain) or "")
        await barrier(inventory, make_domain)
    assert "reconciling domain bad failed unexpectedly" in caplog.text


async def test_after_an_unexpected_error_in_following_it_follows_again(
    libvirt_uri: str,
    make_domain: MakeDomain,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    really = Inventory.changes
    failed = False

    def changes(inventory: Inventory) -> AsyncIterator[Snapshot]:
        nonlocal failed
        task = asyncio.current_task()
        if not failed and task is not None and task.get_name() == "reconciler":
            failed = True
            raise ZeroDivisionError("ours")
        return really(inventory)

    monkeypatch.setattr(Inventory, "changes", changes)
    async with following(libvirt_uri) as inventory:
        await enabled(inventory, make_domain("demo"))
    assert "reconciler ended unexpectedly: ZeroDivisionError('ours')" in caplog.text


async def test_a_program_that_takes_it_back_wins_after_three_tries(
    libvirt_uri: str, make_domain: MakeDomain, writes: list[Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    uuid = make_domain("d")
    theirs = definition(uuid)
    async with following(libvirt_uri) as inventory:
        for _ in range(TRIES):
            await enabled(inventory, uuid)
            define(theirs)
            await until_domain(inventory, uuid, lambda d: d.next_display is None)
        domain = await until_domain(inventory, uuid, lambda d: d.problem is not None)
        assert "another program" in (why_no_console(domain) or "")
        await barrier(inventory, make_domain)
    assert definition(uuid) == theirs
    assert len([each for each in writes if each.changed and each.uuid == uuid]) == TRIES
    assert "given up after 3 tries" in caplog.text


async def test_restarted_libvirtd_is_reconciled_again(
    libvirtd: PrivateLibvirtd, make_domain: MakeDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = make_domain("d")
    plain = definition(uuid)
    async with following(libvirtd.uri) as inventory:
        await enabled(inventory, uuid)
        await asyncio.to_thread(libvirtd.stop)
        await until(inventory, lambda snapshot: not snapshot.connected)
        await inventory_stays_away(inventory, libvirtd, plain)
        await until(inventory, lambda snapshot: snapshot.connected)
        await enabled(inventory, uuid)


async def inventory_stays_away(inventory: Inventory, libvirtd: PrivateLibvirtd, xml: str) -> None:
    """A definition that is changed before the inventory is back: no event tells of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inventory, "uri", "qemu+unix:///system?socket=/nonexistent")
        await asyncio.to_thread(libvirtd.start)
        define(xml)
        assert find_dbus_display(definition("d")) is None


async def test_closing_while_domains_wait_leaves_nothing(libvirt_uri: str, make_domain: MakeDomain) -> None:
    for number in range(3):
        make_domain(f"d{number}")
    async with Inventory(libvirt_uri, ALL) as inventory:
        follower = Reconciler(inventory)
        async with follower:
            await asyncio.sleep(0)
        await follower.close()


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    """What the reconciler did, in order."""
    done: list[Outcome] = []
    really = actions.reconcile

    def reconcile(*arguments: object, **more: object) -> Outcome:
        done.append(really(*arguments, **more))  # type: ignore[arg-type]
        return done[-1]

    monkeypatch.setattr(reconciler_module, "reconcile", reconcile)
    return done
