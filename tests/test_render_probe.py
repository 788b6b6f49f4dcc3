"""What makes gl=auto say yes: every render node passes."""

import sys
from pathlib import Path

import pytest

from libvirt_webrtc import render_probe
from libvirt_webrtc.render_probe import can_render
from tests.support import mesa


def nodes(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).symlink_to("/dev/null")
    return folder


def test_without_a_node_nothing_is_tried(tmp_path: Path) -> None:
    assert not can_render(tmp_path, "/nonexistent")
    assert not can_render(tmp_path / "nowhere", "/nonexistent")
    assert not can_render(nodes(tmp_path, "card0"), "/nonexistent")


def test_each_node_must_pass(tmp_path: Path) -> None:
    folder = nodes(tmp_path, "renderD128", "renderD129")
    assert can_render(folder, "true")
    one = "import sys; sys.exit(sys.argv[1].endswith('129'))"
    assert not can_render(folder, sys.executable, "-c", one)


def test_a_test_that_hangs_or_crashes_is_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = nodes(tmp_path, "renderD128")
    assert not can_render(folder, sys.executable, "-c", "import os; os.abort()")
    monkeypatch.setattr(render_probe, "TIMEOUT_S", 0.1)
    assert not can_render(folder, "sleep", "60")


def test_what_is_no_graphics_card_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "renderD128").symlink_to("/nonexistent")
    assert not can_render(tmp_path)


def test_a_driver_that_qemu_can_use_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mesa in software, which takes any node."""
    if mesa.rig() is None:
        pytest.skip("needs Mesa's software renderer: run tests/run.sh as root")
    for name, value in mesa.for_qemu().items():
        monkeypatch.setenv(name, value)
    assert can_render(nodes(tmp_path, "renderD128"))
