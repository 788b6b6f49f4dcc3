"""The settings of ``[share]``."""

from pathlib import Path

import pytest

from libvirt_webrtc.config.load import Config, load
from libvirt_webrtc.errors import ConfigError


def test_how_long_links_live_at_most(toml: Path) -> None:
    assert Config().share.longest_s == 7 * 24 * 3600
    for written, seconds in (("1", 3600), ("0.5", 1800), ("0", 0)):
        toml.write_text(f"[share]\nlongest_hours = {written}\n")
        assert load(toml, {}).share.longest_s == seconds
    toml.write_text("[share]\n")
    assert load(toml, {}).share == Config().share


@pytest.mark.parametrize("hours", ["-1", "9000", "true", '"1"', "nan", "inf"])
def test_a_time_that_cannot_be_says_what_to_write(toml: Path, hours: str) -> None:
    toml.write_text(f"[share]\nlongest_hours = {hours}\n")
    with pytest.raises(ConfigError, match=r"share\.longest_hours is .* or 0 for no links"):
        load(toml, {})


@pytest.mark.parametrize("table", ["share = 1", "[share]\nhours = 1"])
def test_an_unknown_setting_is_refused(toml: Path, table: str) -> None:
    toml.write_text(table)
    with pytest.raises(ConfigError, match="must be a table with 'longest_hours'"):
        load(toml, {})
