"""What makes gl=auto say yes: every render node passes, and a graphics card is behind it."""

import sys
from pathlib import Path

import pytest

from libvirt_webrtc.probes import render as render_probe
from libvirt_webrtc.probes.render import can_render, try_node, try_reading
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


@pytest.mark.parametrize(
    ("renderer", "passed"),
    [
        ("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", True),
        ("AMD Radeon Graphics (radeonsi, renoir)", True),
        ("", True),
        ("llvmpipe (LLVM 19.1.7, 256 bits)", False),
        ("softpipe", False),
        ("virgl (LLVMPIPE (LLVM 15.0.6, 256 bits))", False),
        ("zink Vulkan 1.3(llvmpipe (LLVM 15.0.6))", False),
    ],
)
def test_the_processor_is_no_graphics_card(tmp_path: Path, renderer: str, passed: bool) -> None:
    assert can_render(nodes(tmp_path, "renderD128"), sys.executable, "-c", f"print({renderer!r})") is passed


@pytest.fixture
def software(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mesa in software, which takes any node."""
    if mesa.rig() is None:
        pytest.skip("needs Mesa's software renderer: run tests/run.sh as root")
    for name, value in mesa.for_qemu().items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("software")
def test_a_driver_is_tried_as_qemu_does_and_named(tmp_path: Path) -> None:
    """This one would do for QEMU, and is not worth it."""
    (node,) = nodes(tmp_path, "renderD128").iterdir()
    trial = try_node(node)
    assert "llvmpipe" in trial.found and not trial.passed
    assert not can_render(tmp_path)


@pytest.mark.usefixtures("software")
def test_reading_is_tried_as_workers_do() -> None:
    assert try_reading("software").passed
    trial = try_reading("/dev/dri/renderD77")
    assert not trial.passed and "renderD77" in trial.found


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    node = tmp_path / "renderD128"
    assert try_node(node, sys.executable, "-c", "import os; os.abort()").found.startswith(
        "its driver crashes"
    )
    assert (
        try_node(node, sys.executable, "-c", "raise SystemExit('no, by no means')").found == "no, by no means"
    )
