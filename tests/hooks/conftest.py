"""The hook's script by itself, and in the private libvirt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hook_faults import InstalledHook, make_environment


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The interpreter of an environment that has the package."""
    return make_environment(tmp_path / "environment")


@pytest.fixture
def hook(libvirt_uri: str, tmp_path: Path) -> Iterator[InstalledHook]:
    """Installed, and known to the private libvirtd, with the policy "all"."""
    folder = tmp_path / "hook"
    folder.mkdir()
    with InstalledHook(folder) as installed:
        yield installed
