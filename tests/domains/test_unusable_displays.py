"""Displays that a real libvirt has and cannot give: what the inventory says of them."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from libvirt_webrtc.cli import main
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.errors import DisplayUnusable, NoDescriptors
from libvirt_webrtc.service.domain_status import why_no_console
from tests.domains.following import until_domain
from tests.domains.relay import Relay
from tests.support.domains import DBUS, VIDEO, VNC, MakeDomain, domain_xml
from tests.support.guests import define, remove
from tests.support.libvirtd import URI, virsh

pytestmark = pytest.mark.libvirt


@pytest.fixture
def relay(libvirt_uri: str, tmp_path: Path) -> Iterator[Relay]:
    with Relay(tmp_path) as running:
        yield running


@pytest.fixture
def disk(libvirt_uri: str) -> Iterator[Path]:
    """One that libvirt takes snapshots of."""
    path = Path("/var/lib/libvirt/reverted.qcow2")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "1M"], check=True)
    yield path
    path.unlink()


async def test_a_libvirt_that_passes_no_descriptors_is_asked_once(
    relay: Relay, make_domain: MakeDomain, caplog: pytest.LogCaptureFixture
) -> None:
    uuids = [make_domain(name, DBUS + VIDEO, transient=True) for name in ("a", "b")]
    async with Inventory(relay.uri) as inventory:
        for uuid in (*uuids, *uuids):
            with pytest.raises(NoDescriptors, match="libvirt's own socket"):
                await inventory.open_graphics_fd(uuid, 0)
            await until_domain(inventory, uuid)
    assert caplog.text.count("passes no file descriptors") == 1
    assert caplog.text.count("the connection to libvirt broke") <= 1


@pytest.mark.parametrize("option", [("-nographic",), ("-display", "none")])
async def test_a_qemu_option_in_the_displays_place_is_named(
    libvirt_uri: str, option: tuple[str, ...]
) -> None:
    values = "".join(f"<q:arg value='{value}'/>" for value in option)
    space = "http://libvirt.org/schemas/domain/qemu/1.0"
    line = f"<q:commandline xmlns:q='{space}'>{values}</q:commandline></domain>"
    define(domain_xml("d", DBUS + VIDEO).replace("</domain>", line))
    try:
        virsh("start", "d")
        uuid = virsh("domuuid", "d")
        async with Inventory(libvirt_uri) as inventory:
            domain = await until_domain(inventory, uuid, lambda domain: domain.display is not None)
            assert " ".join(option) in (why_no_console(domain) or "")
            with pytest.raises(DisplayUnusable, match="was started without the D-Bus display"):
                await inventory.open_graphics_fd(uuid, 0)
            with pytest.raises(DisplayUnusable, match="is gone.*snapshot"):
                await inventory.open_graphics_fd(uuid, 7)
    finally:
        remove("d")


async def test_a_domain_whose_video_is_none_has_no_screen(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("d", DBUS + "<video><model type='none'/></video>", transient=True)
    async with Inventory(libvirt_uri) as inventory:
        domain = await until_domain(inventory, uuid, lambda domain: domain.display is not None)
    assert (why_no_console(domain) or "").startswith("it has no screen")


async def test_a_snapshot_from_before_the_console_is_told(
    libvirt_uri: str, make_domain: MakeDomain, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive = (
        f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{disk}'/>"
        "<target dev='hda' bus='ide'/></disk>"
    )
    uuid = make_domain("d", drive + VNC + VIDEO)
    virsh("start", uuid)
    virsh("snapshot-create-as", uuid, "before")
    assert await asyncio.to_thread(main, ["enable", "d", "--uri", URI]) == 0
    async with Inventory(libvirt_uri) as inventory:
        await until_domain(inventory, uuid, lambda domain: domain.next_display is not None)
        virsh("snapshot-revert", uuid, "before")
        domain = await until_domain(inventory, uuid, lambda domain: domain.reverted)
        told = why_no_console(domain) or ""
        assert "set back to a snapshot" in told and "libvirt-webrtc attach d" in told
        # What helps is what it says.
        assert await asyncio.to_thread(main, ["enable", "d", "--uri", URI]) == 0
        domain = await until_domain(inventory, uuid, lambda domain: domain.next_display is not None)
        assert not domain.reverted
        # A snapshot that has the display takes nothing away.
        virsh("snapshot-create-as", uuid, "with")
        virsh("snapshot-revert", uuid, "with")
        await until_domain(inventory, uuid, lambda domain: domain.id is not None and not domain.reverted)
        assert await asyncio.to_thread(main, ["disable", "d", "--uri", URI]) == 0
        domain = await until_domain(inventory, uuid, lambda domain: domain.next_display is None)
        assert not domain.reverted
    capsys.readouterr()
