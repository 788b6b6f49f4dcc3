"""The hook's line, in worlds where it is missing, broken or none of our business."""

from pathlib import Path

from libvirt_webrtc.doctor.hook import check_libvirt_hook
from libvirt_webrtc.hook.check import Level
from libvirt_webrtc.hook.install import SCRIPT


def test_session_has_no_hooks(tmp_path: Path) -> None:
    (finding,) = check_libvirt_hook(tmp_path, session=True, root=False)
    assert finding.level is Level.OK and "qemu:///session" in finding.text


def test_missing_hook_is_a_warning_that_names_the_command(tmp_path: Path) -> None:
    (finding,) = check_libvirt_hook(tmp_path, session=False, root=True)
    assert finding.level is Level.WARNING and "install-hook" in (finding.remedy or "")


def test_something_else_in_its_place_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "qemu.d" / SCRIPT).mkdir(parents=True)
    (finding,) = check_libvirt_hook(tmp_path, session=False, root=True)
    assert finding.level is Level.PROBLEM and finding.remedy is not None
