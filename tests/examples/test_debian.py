"""What the quick start does where Debian's releases differ."""

import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LIBRARY = CHECKOUT / "examples" / "lib"
BUILD = CHECKOUT / "examples" / "guests" / "linux" / "build.sh"
VERSION = "7.2.12+deb14-amd64"
KERNEL = "not packed " * 100

APT_CACHE = f"""#!/bin/sh
# apt-cache depends PACKAGE, as in Debian testing of November 2026.
case $2 in
    linux-image-amd64) echo "  Depends: linux-base-amd64"; echo "  Depends: linux-image-{VERSION}" ;;
    linux-image-{VERSION})
        echo "  Depends: dracut"; echo "  PreDepends: linux-base"
        for part in base binary modules; do echo "  Depends: linux-$part-{VERSION}"; done ;;
esac
"""
APT_GET = """#!/bin/sh
# apt-get OPTION... download PACKAGE...
while [ "$1" != download ]; do shift; done
shift
for package; do cp "$PACKAGES/$package.deb" .; done
"""


@pytest.mark.parametrize(
    ("os_release", "release"),
    [
        ('ID=debian\nVERSION_ID="12"', "12"),
        ('ID=debian\nVERSION_ID="13"', "13"),
        ("ID=debian\nVERSION_CODENAME=forky", "testing"),
        ('ID=ubuntu\nVERSION_ID="24.04"', ""),
    ],
)
def test_testing_is_a_debian_without_a_number(tmp_path: Path, os_release: str, release: str) -> None:
    file = tmp_path / "os-release"
    file.write_text(f"{os_release}\n")
    script = f'. "{LIBRARY}/common.sh"; . "{LIBRARY}/apt.sh"; debian_release "{file}"'
    assert subprocess.check_output(["bash", "-euc", script], text=True).strip() == release


def test_a_kernel_in_several_packages_is_found(tmp_path: Path) -> None:
    files = {
        "image": {},
        "base": {f"usr/lib/modules/{VERSION}/modules.builtin": _builtin()},
        "binary": {f"usr/lib/modules/{VERSION}/vmlinuz": KERNEL},
        "modules": {f"usr/lib/modules/{VERSION}/kernel/empty": ""},
    }
    packages, dest, bin_ = tmp_path / "packages", tmp_path / "dest", tmp_path / "bin"
    for directory in (packages, dest, bin_):
        directory.mkdir()
    for part, contents in files.items():
        _make_package(f"linux-{part}-{VERSION}", contents, packages)
    for name, text in (("apt-cache", APT_CACHE), ("apt-get", APT_GET)):
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    subprocess.run(
        [BUILD, dest],
        check=True,
        capture_output=True,
        env={"PATH": f"{bin_}:/usr/bin:/bin", "PACKAGES": str(packages)},
    )
    assert (dest / "linux.vmlinuz").read_text() == KERNEL
    assert (dest / "linux.initrd").stat().st_size > 0


def _builtin() -> str:
    """A list of modules that leaves nothing to be looked for."""
    names = ("virtio_pci", "virtio_gpu", "virtio_input", "evdev", "button")
    return "".join(f"kernel/drivers/{name}.ko\n" for name in names)


def _make_package(name: str, contents: dict[str, str], into: Path) -> None:
    root = into / name
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a test <test@localhost>\nDescription: -\n"
    )
    for path, text in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    subprocess.run(["dpkg-deb", "--build", root, into / f"{name}.deb"], check=True, capture_output=True)
