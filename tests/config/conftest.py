"""A configuration file for a test to write."""

from pathlib import Path

import pytest


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"
