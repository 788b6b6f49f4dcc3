"""What makes gl=auto say yes: every render node passes, and a graphics card is behind it."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from libvirt_webrtc.probes import render
from libvirt_webrtc.probes.render import Trial, can_render, look_for_renderer, try_node, try_reading
from tests.support import mesa
from tests.support.stuck import IGNORES_SIGTERM, LEAVES_A_CHILD, SOON_S, STOPS_ITSELF, UNKILLABLE, python

SLEEP = ("sh", "-c", "exec sleep 60")


def nodes(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).symlink_to("/dev/null")
    return folder


async def test_without_a_node_nothing_is_tried(tmp_path: Path) -> None:
    assert not await can_render(tmp_path, "/nonexistent")
    assert not await can_render(tmp_path / "nowhere", "/nonexistent")
    assert not await can_render(nodes(tmp_path, "card0"), "/nonexistent")


async def test_each_node_must_pass(tmp_path: Path) -> None:
    folder = nodes(tmp_path, "renderD128", "renderD129")
    assert await can_render(folder, "true")
    one = "import sys; sys.exit(sys.argv[1].endswith('129'))"
    assert not await can_render(folder, sys.executable, "-c", one)


async def test_a_driver_that_crashes_is_a_no(tmp_path: Path) -> None:
    assert not await can_render(nodes(tmp_path, "renderD128"), *python("import os; os.abort()"))


@pytest.mark.parametrize(
    "code", [IGNORES_SIGTERM, STOPS_ITSELF, UNKILLABLE], ids=["busy", "stopped", "stuck"]
)
async def test_a_driver_that_hangs_is_a_no(code: str, pid_file: Path, short_trials: None) -> None:
    began = time.monotonic()
    trial = await try_node(pid_file, *python(code))
    assert time.monotonic() - began < SOON_S
    assert not trial.passed and trial.found.startswith("its driver hangs")
    assert ("cannot be ended" in trial.found) is (code is UNKILLABLE)


async def test_drivers_that_hang_do_so_at_the_same_time(tmp_path: Path, short_trials: None) -> None:
    folder = nodes(tmp_path, *(f"renderD{number}" for number in range(128, 134)))
    began = time.monotonic()
    assert not await can_render(folder, *SLEEP)
    assert time.monotonic() - began < SOON_S


async def test_a_process_that_a_driver_leaves_behind_is_not_waited_for(pid_file: Path) -> None:
    began = time.monotonic()
    assert await try_node(pid_file, *python(LEAVES_A_CHILD)) == Trial(True, "begun")
    assert time.monotonic() - began < SOON_S


async def test_a_trial_that_nobody_waits_for_is_killed(tmp_path: Path) -> None:
    task = asyncio.create_task(try_node(tmp_path, *SLEEP))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()  # that nothing is left behind is looked at after every test


async def test_with_gl_off_no_driver_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "can_render", None)
    assert await look_for_renderer("off") is None


async def test_what_is_no_graphics_card_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "renderD128").symlink_to("/nonexistent")
    assert not await can_render(tmp_path)


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
async def test_the_processor_is_no_graphics_card(tmp_path: Path, renderer: str, passed: bool) -> None:
    assert (
        await can_render(nodes(tmp_path, "renderD128"), sys.executable, "-c", f"print({renderer!r})")
        is passed
    )


@pytest.fixture
def software(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mesa in software, which takes any node."""
    if mesa.rig() is None:
        pytest.skip("needs Mesa's software renderer: run tests/run.sh as root")
    for name, value in mesa.for_qemu().items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("software")
async def test_a_driver_is_tried_as_qemu_does_and_named(tmp_path: Path) -> None:
    """This one would do for QEMU, and is not worth it."""
    (node,) = nodes(tmp_path, "renderD128").iterdir()
    trial = await try_node(node)
    assert "llvmpipe" in trial.found and not trial.passed
    assert not await can_render(tmp_path)


@pytest.mark.usefixtures("software")
async def test_reading_is_tried_as_workers_do() -> None:
    assert (await try_reading("software")).passed
    trial = await try_reading("/dev/dri/renderD77")
    assert not trial.passed and "renderD77" in trial.found


async def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    crashed = await try_node(tmp_path, *python("import os; os.abort()"))
    assert crashed == Trial(False, "its driver crashes (status -6)")
    failed = await try_node(tmp_path, *python("raise SystemExit('no, by no means')"))
    assert failed == Trial(False, "no, by no means")
