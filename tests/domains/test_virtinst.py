"""virt-manager's command-line tools, and virsh edit, on domains with a console."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

import pytest
from playwright.async_api import Browser

from libvirt_webrtc.domains.actions import disable, enable
from libvirt_webrtc.domains.definition.signature import NAMESPACE
from libvirt_webrtc.domains.libvirt_api import VirConnect
from tests.domains.corpus import without_settings
from tests.e2e.viewer import Viewer
from tests.support.domain_xml import find_dbus_display
from tests.support.domains import MakeDomain
from tests.support.emulators import emulators
from tests.support.guests import Guest, remove
from tests.support.libvirtd import URI, virsh
from tests.support.portal import Portal

pytestmark = pytest.mark.libvirt

Tool = Callable[..., str]


@pytest.fixture
def tool(libvirt_uri: str, tmp_path: Path) -> Tool:
    """Runs one of virt-manager's tools; gives its output."""
    if shutil.which("virt-xml") is None:
        pytest.skip("needs virt-xml, virt-clone and virt-install: run tests/run.sh as root")

    def run(name: str, *arguments: str) -> str:
        command = [name, "--connect", libvirt_uri, *arguments]
        # They keep a cache and a log at home.
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def images() -> Iterator[Path]:
    """A folder that QEMU's user may read."""
    folder = Path("/var/lib/libvirt/images")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)
    # virt-clone makes a storage pool of the folder that it copies to.
    for pool in virsh("pool-list", "--all", "--name").split():
        virsh("pool-destroy", pool)
        virsh("pool-undefine", pool)


def definition(name: str) -> str:
    return virsh("dumpxml", "--inactive", "--security-info", name)


def has_our_display(name: str) -> bool:
    display = find_dbus_display(definition(name))
    return display is not None and display.ours


def test_virt_xml_edits_an_enabled_domain(
    tool: Tool, hypervisor: VirConnect, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d")
    enable(hypervisor, uuid)
    tool("virt-xml", "d", "--edit", "--memory", "48")
    tool("virt-xml", "d", "--edit", "--graphics", "passwd=secret")
    tool("virt-xml", "d", "--add-device", "--sound", "model=ac97")
    edited = definition("d")
    assert f"<memory unit='KiB'>{48 << 10}</memory>" in edited
    assert "passwd='secret'" in edited and "<sound model='ac97'>" in edited
    assert has_our_display("d")
    assert not enable(hypervisor, uuid).changed

    disable(hypervisor, uuid)
    disabled = definition("d")
    assert find_dbus_display(disabled) is None and NAMESPACE not in disabled
    assert f"<memory unit='KiB'>{48 << 10}</memory>" in disabled and "passwd='secret'" in disabled


def test_display_taken_away_with_virt_xml_leaves_the_rest(
    tool: Tool, hypervisor: VirConnect, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d")
    before = definition("d")
    enable(hypervisor, uuid)
    tool("virt-xml", "d", "--remove-device", "--graphics", "type=dbus")
    assert find_dbus_display(definition("d")) is None
    disable(hypervisor, uuid)
    assert without_settings(definition("d")) == before


def test_clone_of_an_enabled_domain_has_a_console_of_its_own(
    tool: Tool, hypervisor: VirConnect, make_domain: MakeDomain, images: Path, portal: Portal
) -> None:
    disk = images / "original.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "1M"], check=True)
    device = (
        f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>"
        "<target dev='hda' bus='ide'/></disk><graphics type='vnc' port='-1'/><video><model type='vga'/></video>"
    )
    original = make_domain("original", device)
    enable(hypervisor, original)
    tool("virt-clone", "--original", "original", "--name", "clone", "--auto-clone")
    try:
        assert has_our_display("clone") and (images / "clone.qcow2").exists()
        clone = virsh("domuuid", "clone")
        assert clone != original
        for uuid in (original, clone):
            virsh("start", uuid)
            portal.wait_console(uuid)
        virsh("destroy", clone)
        assert disable(hypervisor, clone).changed
        assert has_our_display("original")
    finally:
        remove("clone")


@pytest.mark.browser
async def test_domain_made_by_virt_install_gets_a_console(
    tool: Tool, hypervisor: VirConnect, guests: Path, portal: Portal, browser: Browser
) -> None:
    nonce = token_hex(4)
    try:
        tool(
            "virt-install",
            *("--name", "installed", "--memory", "64", "--import", "--disk", "none", "--network", "none"),
            *("--graphics", "vnc", "--video", "vga", "--virt-type", "qemu", "--machine", "pc"),
            *("--boot", f"kernel={guests / 'baremetal.elf'},kernel_args=nonce={nonce}"),
            *("--osinfo", "detect=off,require=off", "--noautoconsole"),
        )
        guest = Guest("installed", virsh("domuuid", "installed"), "baremetal", nonce, emulators()[0])
        outcome = enable(hypervisor, "installed")
        assert outcome.changed and outcome.running
        guest.destroy()
        guest.start()
        portal.wait_console(guest.uuid)
        viewer = await Viewer.open(browser, portal, guest)
        await viewer.wait_known_picture()
    finally:
        remove("installed")


@pytest.mark.parametrize(
    ("edit", "stays"),
    [("s/<memory .*/<memory unit='MiB'>40<\\/memory>/", True), ("/<graphics type='dbus'/d", False)],
)
def test_virsh_edit_round_trips(
    hypervisor: VirConnect, make_domain: MakeDomain, tmp_path: Path, edit: str, stays: bool
) -> None:
    uuid = make_domain("d")
    before = definition("d")
    enable(hypervisor, uuid)
    enabled = definition("d")
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\nexec sed -i "{edit}" "$1"\n')
    editor.chmod(0o755)

    def virsh_edit(editor: str) -> None:
        done = subprocess.run(
            ["virsh", "--connect", URI, "edit", "d"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, "EDITOR": editor, "HOME": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr

    virsh_edit("true")
    assert definition("d") == enabled
    virsh_edit(str(editor))
    assert definition("d") != enabled
    assert has_our_display("d") == stays
    disable(hypervisor, uuid)
    unchanged = re.compile(r"<(memory|currentMemory) .*")
    assert unchanged.sub("", without_settings(definition("d"))) == unchanged.sub("", before)
