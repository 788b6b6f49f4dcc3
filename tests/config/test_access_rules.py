"""``[[access]]``: what is read from it, and what is refused with what to write."""

import tomllib
from pathlib import Path

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule, access_gaps
from libvirt_webrtc.config.load import load
from libvirt_webrtc.errors import ConfigError


def test_entries_are_read(toml: Path) -> None:
    toml.write_text(
        '[[access]]\nusers = ["ann"]\ndomains = ["web-*"]\nrole = "control"\n'
        '[[access]]\ngroups = ["ops"]\ntags = ["team"]\nmethods = ["oidc"]\nrole = "admin"\n'
    )
    assert load(toml, {}).access == (
        AccessRule(Role.CONTROL, users=("ann",), domains=("web-*",)),
        AccessRule(Role.ADMIN, groups=("ops",), tags=("team",), methods=("oidc",)),
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
        ('[[access]]\nusers = ["a"]\ndomains = ["*"]\nmethods = ["token"]\nrole = "view"', "names 'token'"),
        ('[[access]]\nuser = ["a"]\ndomains = ["*"]\nrole = "view"', "unknown setting 'user'"),
    ],
)
def test_what_cannot_be_used_says_what_to_write(toml: Path, text: str, complaint: str) -> None:
    tomllib.loads(text)
    toml.write_text(text)
    with pytest.raises(ConfigError, match="access") as error:
        load(toml, {})
    assert complaint in str(error.value)


ANY = AccessRule(Role.VIEW, users=("ann",), domains=("*",))
OIDC = AccessRule(Role.VIEW, users=("ann",), domains=("*",), methods=("oidc",))


@pytest.mark.parametrize(
    ("rules", "offered", "gaps"),
    [
        ([], ["token"], []),
        ([ANY], ["token", "oidc", "proxy"], []),
        ([], ["token", "oidc"], ["nobody can sign in by oidc"]),
        ([OIDC], ["oidc", "proxy"], ["nobody can sign in by proxy"]),
        ([ANY], ["token"], ["entry 1, grants nothing"]),
        ([ANY, OIDC], ["proxy"], ["entry 2, grants nothing"]),
    ],
)
def test_rules_that_do_not_fit_the_ways_of_signing_in_are_told(
    rules: list[AccessRule], offered: list[str], gaps: list[str]
) -> None:
    told = list(access_gaps(rules, offered))
    assert len(told) == len(gaps) and all(part in text for part, text in zip(gaps, told, strict=True))
