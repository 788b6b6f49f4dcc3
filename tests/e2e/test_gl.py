"""Guests whose QEMU draws with OpenGL, from libvirt to Chromium. In software: no test machine has a graphics card."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser

from examples.guests.layout import Rgb
from tests.e2e.place import PLACES, Place, Streamed, meeting_place, streaming
from tests.e2e.viewer import Viewer, wait_for
from tests.gl.boot import HEIGHT, WIDTH, painted, sector
from tests.support import mesa
from tests.support.emulators import Emulator
from tests.support.gl_guest import MODELS, with_gl
from tests.support.guests import GuestFactory
from tests.support.libvirtd import virsh
from tests.support.portal import Portal
from tests.support.qmp import Qemu

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

CODEC_ERROR = 12
"""Steps of a channel that the worst pixel may be off, once the picture is refined."""

DISPLAY_OFF = "QEMU draws with OpenGL, but hands no picture over"


def of_portal() -> dict[str, str]:
    """A portal's environment."""
    return {**mesa.environment(), "QEMU_WEBRTC_GL_DEVICE": "auto"}


@pytest.fixture
def gl_portal(start_portal: Callable[..., Portal]) -> Portal:
    if mesa.rig() is None:
        pytest.skip("needs Mesa's software renderer: run tests/run.sh as root")
    return start_portal(of_portal())


@contextmanager
def on_disk(boots: bytes) -> Iterator[str]:
    """Where QEMU's own user finds it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "disk"
        file.write_bytes(boots)
        yield str(file)


@pytest.fixture
def disk() -> Iterator[str]:
    with on_disk(sector()) as path:
        yield path


@pytest.fixture
def slow_disk() -> Iterator[str]:
    """The firmware's text is there long enough to be seen."""
    with on_disk(sector(wait_s=2)) as path:
        yield path


def is_painted(rgb: Rgb) -> bool:
    """Whether every pixel is what the boot sector painted, give or take the codec."""
    if rgb.shape != (HEIGHT, WIDTH, 3):
        return False
    want = painted()[..., [2, 1, 0]].astype(np.int16)
    return int(np.abs(rgb - want).max()) <= CODEC_ERROR


@pytest.mark.parametrize("device", MODELS)
async def test_every_pixel_is_seen(
    make_guest: GuestFactory,
    gl_portal: Portal,
    browser: Browser,
    emulator: Emulator,
    disk: str,
    device: str,
) -> None:
    guest = make_guest(emulator=emulator, edit=partial(with_gl, device=device, disk=disk))
    viewer = await Viewer.open(browser, gl_portal, guest)
    await viewer.wait_picture(is_painted, "what the boot sector painted")
    (console,) = gl_portal.wait_console(guest.uuid)["consoles"]
    assert console["scanout"] == "dmabuf"


def without_p2p(xml: str) -> str:
    """The D-Bus display on a bus that libvirt starts for it."""
    changed = xml.replace(' p2p="yes"', "")
    assert changed != xml
    return changed


async def test_every_pixel_is_seen_over_a_private_bus(
    make_guest: GuestFactory, gl_portal: Portal, browser: Browser, emulator: Emulator, disk: str
) -> None:
    guest = make_guest(
        emulator=emulator, edit=lambda xml: without_p2p(with_gl(xml, device="virtio-vga", disk=disk))
    )
    viewer = await Viewer.open(browser, gl_portal, guest)
    await viewer.wait_picture(is_painted, "what the boot sector painted")
    (console,) = gl_portal.wait_console(guest.uuid)["consoles"]
    assert console["scanout"] == "dmabuf"


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with meeting_place(request.param, tmp_path) as place:
        yield replace(place, display=f"{place.display},gl=on,rendernode={mesa.render_node()}")


@pytest.fixture
def stream(place: Place, tmp_path: Path) -> Iterator[Portal]:
    """``libvirt-webrtc stream``."""
    if mesa.rig() is None:
        pytest.skip("needs Mesa's software renderer: run tests/run.sh as root")
    with streaming(place, tmp_path, of_portal()) as started:
        yield started


async def test_every_pixel_of_a_bare_qemu_is_seen(
    stream: Portal, place: Place, browser: Browser, emulator: Emulator, disk: str
) -> None:
    (domain,) = stream.get("/api/domains")["domains"]
    for device in MODELS:
        qemu = Qemu(
            *("-device", device, "-drive", f"file={disk},format=raw,if=ide,snapshot=on"),
            *place.further,
            emulator=str(emulator.path),
            display=place.display,
            environment=mesa.for_qemu(),
        )
        async with qemu:
            viewer = await Viewer.open(browser, stream, Streamed(domain["uuid"]))
            await viewer.wait_picture(is_painted, f"what the boot sector painted, on {device}")
            (console,) = stream.wait_console(domain["uuid"])["consoles"]
            assert console["scanout"] == "dmabuf"
        stream.wait_console(domain["uuid"], "failed")


async def test_a_guest_that_starts_anew_is_seen_on_the_same_connection(
    make_guest: GuestFactory, gl_portal: Portal, browser: Browser, slow_disk: str
) -> None:
    guest = make_guest(edit=partial(with_gl, device="virtio-vga", disk=slow_disk))
    viewer = await Viewer.open(browser, gl_portal, guest)
    await viewer.wait_picture(is_painted, "what the boot sector painted")
    await viewer.page.evaluate("window.sameConnection = document.querySelector('video').srcObject")
    for _ in range(3):
        virsh("reset", guest.uuid)
        await viewer.wait_picture(lambda rgb: rgb.shape != (HEIGHT, WIDTH, 3), "the firmware's text")
        await viewer.wait_picture(is_painted, "the picture again")
    assert await viewer.page.evaluate("window.sameConnection === document.querySelector('video').srcObject")


async def test_a_guest_that_draws_in_three_dimensions_is_upright(
    make_guest: GuestFactory, gl_portal: Portal, browser: Browser, emulator: Emulator
) -> None:
    """virgl's pictures begin at the bottom."""
    guest = make_guest("linux", emulator=emulator, edit=partial(with_gl, device="virtio-vga-gl"))
    viewer = await Viewer.open(browser, gl_portal, guest)
    await viewer.wait_known_picture()


async def test_a_qemu_that_can_export_nothing_is_explained_on_the_page(
    make_guest: GuestFactory, gl_portal: Portal, browser: Browser, disk: str
) -> None:
    guest = make_guest(edit=partial(with_gl, device="virtio-vga", disk=disk, shim=False))
    viewer = await Viewer.open(browser, gl_portal, guest)

    async def explained() -> bool:
        return DISPLAY_OFF in await viewer.page.locator("body").inner_text()

    await wait_for(explained, "the page says that there is no picture to show")
    virsh("suspend", guest.uuid)  # QEMU answers, and so does not wait for us
    assert DISPLAY_OFF in gl_portal.log.read_text()
