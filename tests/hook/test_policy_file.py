"""The policy file: written whole, and believed only where all of it is understood."""

import os
from pathlib import Path

import pytest

from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import AutoEnable, Policy
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.policy_file import SIZE_LIMIT, read_policy, write_policy


@pytest.mark.parametrize("auto_enable", AutoEnable)
@pytest.mark.parametrize("gl", Gl)
def test_what_is_written_is_read(tmp_path: Path, auto_enable: AutoEnable, gl: Gl) -> None:
    path = tmp_path / "state" / "hook-policy.json"
    write_policy(path, Policy.of("none", "auto"))
    write_policy(path, Policy(auto_enable, gl))
    assert read_policy(path) == Policy(auto_enable, gl)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"\0" * 100,
        b"[" * 4000,
        b'{"version": 2, "auto_enable": "all", "gl": "auto"}',
        b'{"version": 1, "auto_enable": "most", "gl": "auto"}',
        b'{"version": 1, "auto_enable": ["all"], "gl": "auto"}',
        b'{"version": 1, "auto_enable": "all", "gl": {}}',
        b'{"version": 1, "auto_enable": "all"}',
        b'{"version": 1, "auto_enable": "all", "gl": "auto", "more": 1}',
        b'{"version": 1, "auto_enable": "all", "gl": "auto"}' + b" " * SIZE_LIMIT,
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hook-policy.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        read_policy(path)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    write_policy(tmp_path / "file", Policy.of("all", "auto"))
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for name in ("pipe", "folder", "link", "missing"):
        with pytest.raises(ConfigError):
            read_policy(tmp_path / name)


def test_a_place_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="policy for libvirt's hook"):
        write_policy(tmp_path / "file" / "hook-policy.json", Policy.of("all", "auto"))
