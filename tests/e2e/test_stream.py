"""A QEMU without libvirt, seen and used in a browser."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.e2e.place import PLACES, Place, Streamed, meeting_place, streaming
from tests.e2e.viewer import Viewer
from tests.support.emulators import Emulator
from tests.support.portal import Portal
from tests.support.qmp import Qemu

pytestmark = pytest.mark.browser

KEY_A = 0x1E


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with meeting_place(request.param, tmp_path) as place:
        yield place


@pytest.fixture
def portal(place: Place, tmp_path: Path) -> Iterator[Portal]:
    """``libvirt-webrtc stream``, before there is any QEMU."""
    with streaming(place, tmp_path) as started:
        yield started


Run = Callable[[], tuple[Qemu, Streamed]]


@pytest.fixture(params=["baremetal", "linux"])
def run(
    request: pytest.FixtureRequest, guests: Path, emulator: Emulator, place: Place, portal: Portal
) -> Run:
    """A demo guest to be started, another picture each time, and how the portal knows it."""
    (domain,) = portal.get("/api/domains")["domains"]

    def make() -> tuple[Qemu, Streamed]:
        nonce = secrets.token_hex(4)
        if request.param == "baremetal":
            guest = ["-m", "32", "-device", "VGA", "-kernel", str(guests / "baremetal.elf")]
            guest += ["-append", f"nonce={nonce}"]
        else:
            guest = ["-m", "128", "-device", "virtio-vga", "-device", "virtio-tablet-pci"]
            guest += ["-device", "virtio-keyboard-pci", "-kernel", str(guests / "linux.vmlinuz")]
            guest += [
                "-initrd",
                str(guests / "linux.initrd"),
                "-append",
                f"console=ttyS0 quiet nonce={nonce}",
            ]
        qemu = Qemu(*guest, *place.further, emulator=str(emulator.path), display=place.display)
        return qemu, Streamed(domain["uuid"], nonce)

    return make


async def test_a_bare_qemu_is_seen_and_typed_at(run: Run, portal: Portal, browser: Browser) -> None:
    qemu, guest = run()
    async with qemu:
        viewer = await Viewer.watch(browser, portal, guest)
        await viewer.type_and_see("KeyA", KEY_A)
        assert await viewer.handle("connections") == 1


@pytest.mark.parametrize("run", ["baremetal"], indirect=True)
async def test_the_picture_comes_back_with_the_next_qemu(run: Run, portal: Portal, browser: Browser) -> None:
    qemu, guest = run()
    async with qemu:
        viewer = await Viewer.watch(browser, portal, guest)
    await viewer.wait_state("stopped")
    assert "start QEMU with" in portal.wait_console(guest.uuid, "failed")["console"]["reason"]

    qemu, viewer.guest = run()
    async with qemu:
        await viewer.wait_state("connected")
        await viewer.wait_known_picture()
        await viewer.type_and_see("KeyA", KEY_A)
