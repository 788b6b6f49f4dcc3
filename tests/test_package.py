"""What a wheel carries."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_wheel_carries_pages_and_hooks(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for top, place in (("web", "libvirt_webrtc/_web"), ("hooks", "libvirt_webrtc/_hooks")):
        files = [path.relative_to(ROOT / top) for path in (ROOT / top).rglob("*") if path.is_file()]
        assert files
        assert {f"{place}/{path.as_posix()}" for path in files} <= inside
    assert "libvirt_webrtc/cli.py" in inside
