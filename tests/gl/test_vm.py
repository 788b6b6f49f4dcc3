"""gl=on with a render node and DMA-BUFs of a real kernel: in a virtual machine, with this machine's root, read only.

QEMU in it draws by vgem's node and exports by udmabuf, without the shim of the other tests. All is emulated twice.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import mesa
from tests.support.emulators import EMULATORS_VARIABLE, emulators
from tests.support.qmp import PATIENCE_VARIABLE

VM_VARIABLE = "LIBVIRT_WEBRTC_TEST_VM"
"""Folder with its kernel and initrd; set by ``tests/run.sh --long``."""

CHECKOUT = Path(__file__).parents[2]
RENDER_NODE = "/dev/dri/renderD128"
LIMIT_S = 1200

pytestmark = pytest.mark.long


def share(name: str, folder: Path, *, writable: bool = False) -> list[str]:
    options = f"local,id={name},path={folder},security_model=none,multidevs=remap"
    return [
        *("-fsdev", options if writable else f"{options},readonly=on"),
        *("-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"),
    ]


@pytest.mark.parametrize("device", ["software", "auto"])
def test_every_pixel_arrives_by_a_real_render_node(tmp_path: Path, device: str) -> None:
    """``device`` reads; what draws is vgem's node in both."""
    folder = os.environ.get(VM_VARIABLE)
    if not folder:
        pytest.skip("needs the virtual machine's kernel: run tests/run.sh --long as root")
    if mesa.rig() is None:
        pytest.skip("needs Mesa's software renderer: run tests/run.sh as root")
    variables = {
        mesa.RIG_VARIABLE: str(mesa.rig()),
        EMULATORS_VARIABLE: str(emulators()[0].path),
        mesa.NODE_VARIABLE: RENDER_NODE,
        mesa.READER_VARIABLE: device,
        PATIENCE_VARIABLE: "10",
        "PYTHONDONTWRITEBYTECODE": "1",
        **mesa.environment(),
    }
    test = f"tests/gl/test_qemu.py::test_every_pixel_arrives[{emulators()[0].name}-virtio-vga]"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]
    (tmp_path / "command").write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
        + f"cd {shlex.quote(str(CHECKOUT))}\nexec {shlex.join(command)}\n"
    )
    done = subprocess.run(
        [
            "qemu-system-x86_64",
            *("-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max", "-smp", "2", "-m", "2048"),
            *("-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot"),
            *("-serial", "stdio", "-device", "virtio-rng-pci"),
            *("-kernel", f"{folder}/vmlinuz", "-initrd", f"{folder}/initrd"),
            *("-append", "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on tsc=reliable"),
            *share("root", Path("/")),
            *share("work", tmp_path, writable=True),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
    )
    said = done.stdout.decode(errors="replace")
    print(said, done.stderr.decode(errors="replace"))
    status = tmp_path / "status"
    assert status.exists() and status.read_text().strip() == "0", said[-3000:]
    assert f"with {RENDER_NODE.replace('renderD128', 'card0')} {RENDER_NODE} /dev/udmabuf" in said
    assert "1 passed" in said
