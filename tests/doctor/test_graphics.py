"""Graphics cards of bad worlds."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from libvirt_webrtc.doctor import graphics
from libvirt_webrtc.doctor.graphics import check_drawing, check_graphics, check_reading, check_render_node
from libvirt_webrtc.hook.check import Level
from libvirt_webrtc.probes.render import Trial
from tests.doctor.users import STRANGER

GOOD = Trial(True, "AMD Radeon Graphics")
SLOW = Trial(False, "llvmpipe")
NONE = Trial(False, "libEGL or libGLESv2 is not installed")


def trial_of(trial: Trial) -> Callable[[object], Awaitable[Trial]]:
    async def tried(_: object) -> Trial:
        return trial

    return tried


def test_render_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_render_node(STRANGER, "auto", tmp_path).level is Level.OK
    assert check_render_node(STRANGER, "on", tmp_path).level is Level.PROBLEM
    (tmp_path / "renderD128").touch()
    assert check_render_node(STRANGER, "on", tmp_path).level is Level.OK
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert check_render_node(STRANGER, "auto", tmp_path).level is Level.WARNING
    finding = check_render_node(STRANGER, "on", tmp_path)
    assert finding.level is Level.PROBLEM and "render ann" in (finding.remedy or "")


@pytest.mark.parametrize(
    ("trial", "gl", "level"),
    [
        (GOOD, "auto", Level.OK),
        (GOOD, "on", Level.OK),
        (SLOW, "auto", Level.OK),
        (SLOW, "off", Level.OK),
        (SLOW, "on", Level.WARNING),
    ],
)
def test_drawing(trial: Trial, gl: str, level: Level) -> None:
    finding = check_drawing(Path("/dev/dri/renderD128"), gl, trial)
    assert finding.level is level and trial.found in finding.text
    assert (finding.remedy is not None) == (level is not Level.OK)


@pytest.mark.parametrize(
    ("trial", "gl", "level"),
    [(GOOD, "on", Level.OK), (NONE, "auto", Level.WARNING), (NONE, "on", Level.PROBLEM)],
)
def test_reading(trial: Trial, gl: str, level: Level) -> None:
    finding = check_reading(gl, trial)
    assert finding.level is level and trial.found in finding.text
    assert ("libgles2" in (finding.remedy or "")) == (level is not Level.OK)


def test_reading_is_of_interest_where_something_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphics, "try_node", trial_of(GOOD))
    monkeypatch.setattr(graphics, "try_reading", trial_of(NONE))

    def subjects(gl: str) -> list[str]:
        return [finding.subject for finding in check_graphics(STRANGER, gl, "auto", tmp_path)]

    assert subjects("auto") == ["render node"]
    assert subjects("on") == ["render node", "OpenGL here"]
    (tmp_path / "renderD128").touch()
    assert subjects("auto") == ["render node", "OpenGL in QEMU", "OpenGL here"]
    assert subjects("off") == ["render node", "OpenGL in QEMU"]
