"""``[[access]]``: what is read from it, and what is refused with what to write."""

import tomllib
from pathlib import Path

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import load
from libvirt_webrtc.errors import ConfigError


def test_entries_are_read(toml: Path) -> None:
    toml.write_text(
        '[[access]]\nusers = ["ann"]\ndomains = ["web-*"]\nrole = "control"\n'
        '[[access]]\ngroups = ["ops"]\ntags = ["team"]\nrole = "admin"\n'
    )
    assert load(toml, {}).access == (
        AccessRule(Role.CONTROL, users=("ann",), domains=("web-*",)),
        AccessRule(Role.ADMIN, groups=("ops",), tags=("team",)),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("access = true", "must be written as"),
        ("access = [1]", "must be written as"),
        ('[access]\nrole = "view"', "must be written as"),
        (
            '[[access]]\nusers = ["a"]\ndomains = ["*"]',
            "entry 1: it needs a role; write one of view, control",
        ),
        ('[[access]]\nusers = ["a"]\ndomains = ["*"]\nrole = "root"', "'root' is no role; write one of view"),
        ('[[access]]\nusers = ["a"]\ndomains = ["*"]\nrole = 3', "it needs a role"),
        ('[[access]]\ndomains = ["*"]\nrole = "view"', "names nobody; write users"),
        ('[[access]]\nusers = []\ndomains = ["*"]\nrole = "view"', "names nobody"),
        ('[[access]]\nusers = ["a"]\nrole = "view"', "names no domain; write domains"),
        ('[[access]]\nusers = "a"\ndomains = ["*"]\nrole = "view"', "users must be a list of names"),
        ('[[access]]\nusers = [""]\ndomains = ["*"]\nrole = "view"', "users must be a list of names"),
        ('[[access]]\nuser = ["a"]\ndomains = ["*"]\nrole = "view"', "unknown setting 'user'"),
    ],
)
def test_what_cannot_be_used_says_what_to_write(toml: Path, text: str, complaint: str) -> None:
    tomllib.loads(text)
    toml.write_text(text)
    with pytest.raises(ConfigError, match="access") as error:
        load(toml, {})
    assert complaint in str(error.value)
