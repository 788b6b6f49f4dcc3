"""What a QEMU binary says of itself."""

import os
from pathlib import Path

import pytest

from libvirt_webrtc.domains.emulator import display_backends


def script(folder: Path, text: str) -> Path:
    path = folder / "qemu"
    path.write_text(f"#!/bin/sh\n{text}\n")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # it is run as nobody
    path.chmod(0o755)
    return path


def test_emulator_tells_what_it_can_load(tmp_path: Path) -> None:
    found = display_backends(script(tmp_path, '[ "$*" = "-display help" ] && printf "none\\ndbus\\n"'))
    assert found == frozenset({"none", "dbus"})


@pytest.mark.parametrize("text", ["exit 1", "kill -SEGV $$"])
def test_emulator_that_fails_says_nothing(tmp_path: Path, text: str) -> None:
    assert display_backends(script(tmp_path, text)) is None


def test_emulator_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert display_backends(tmp_path / "qemu") is None


def test_emulator_that_hangs_says_nothing(tmp_path: Path) -> None:
    assert display_backends(script(tmp_path, "exec sleep 60"), limit_s=0.2) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody but root has rights to give up")
def test_emulator_is_run_without_rights(tmp_path: Path) -> None:
    assert display_backends(script(tmp_path, "id -u; id -G")) == frozenset({"65534"})
