"""A machine that is no PC: UEFI on an aarch64 ``virt`` machine, seen and used in a browser."""

import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Browser

from examples.guests.layout import Rgb
from tests.e2e.viewer import Viewer
from tests.support.portal import Portal
from tests.support.qmp import Qemu

pytestmark = pytest.mark.browser

FOLDER_VARIABLE = "LIBVIRT_WEBRTC_TEST_AARCH64"
"""Where Debian's packages of an aarch64 QEMU and UEFI are unpacked; set by tests/run.sh. The root folder if not set."""

EMULATOR = "bin/qemu-system-aarch64"
FIRMWARE = "share/qemu-efi-aarch64/QEMU_EFI.fd"

DIFFERENT = 100
"""Steps of a channel: beyond what a codec does to text, below what another colour is."""
BLINKING_SHARE = 0.0005


@dataclass(frozen=True, slots=True)
class Streamed:
    """The only QEMU's guest; it shows no picture of ours."""

    uuid: str
    nonce: str = ""


@pytest.fixture
def usr() -> Path:
    """Of the packages."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or "/") / "usr"
    if not (folder / EMULATOR).exists() or not (folder / FIRMWARE).exists():
        pytest.skip("needs qemu-system-arm and qemu-efi-aarch64: run tests/run.sh as root")
    return folder


@pytest.fixture(params=["virtio-gpu-pci", "ramfb"])
async def machine(request: pytest.FixtureRequest, usr: Path, tmp_path: Path) -> AsyncIterator[Qemu]:
    """Its monitor listens at ``qmp`` in the test's folder."""
    async with Qemu(
        *("-cpu", "cortex-a57", "-m", "256", "-bios", str(usr / FIRMWARE), "-device", request.param),
        *("-device", "qemu-xhci", "-device", "usb-kbd", "-device", "usb-tablet"),
        *("-qmp", f"unix:{tmp_path / 'qmp'},server=on,wait=off"),
        emulator=str(usr / EMULATOR),
        machine="virt,accel=tcg",
    ) as running:
        yield running


@pytest.fixture
def portal(machine: Qemu, tmp_path: Path) -> Iterator[Portal]:
    started = Portal(tmp_path, None, None, ("--qmp", str(tmp_path / "qmp")))
    yield started
    try:
        started.close()
    finally:
        print(started.log.read_text())


async def screen(machine: Qemu) -> Rgb:
    """What QEMU itself says that the guest shows."""
    path = machine.folder / "screen.ppm"
    await machine.command("screendump", filename=str(path))
    return np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))  # noqa: ASYNC240


def lit(rgb: Rgb) -> float:
    """The share of the picture that is not dark."""
    return float((rgb.max(axis=2) > 100).mean())


def has_yellow(rgb: Rgb) -> bool:
    """The shell's own words are yellow, and the logo before it has nothing of it."""
    red, green, blue = (rgb[..., channel] for channel in range(3))
    return bool(((red > 180) & (green > 180) & (blue < 90)).any())


def same(one: Rgb, other: Rgb) -> bool:
    """Whether both show the same text, but for the cursor that blinks."""
    if one.shape != other.shape:
        return False
    return bool((np.abs(one.astype(np.int16) - other).max(axis=2) > DIFFERENT).mean() < BLINKING_SHARE)


async def test_uefi_shell_is_seen_as_qemu_shows_it_and_typed_at(
    machine: Qemu, portal: Portal, browser: Browser
) -> None:
    (domain,) = portal.get("/api/domains")["domains"]
    viewer = await Viewer.open(browser, portal, Streamed(domain["uuid"]))

    async def seen(wanted: Callable[[Rgb], bool], what: str) -> Rgb:
        """The first picture that is as wanted and QEMU's own."""
        while True:
            rgb = await viewer.wait_picture(wanted, what)
            if same(rgb, await screen(machine)):
                return rgb

    before = lit(await seen(has_yellow, "the shell"))
    await viewer.press("Enter")  # No waiting for a script.
    for letter in "HELP":
        await viewer.press(f"Key{letter}")
    await viewer.press("Enter")
    await seen(lambda rgb: lit(rgb) > 3 * before, "the shell's many commands")
