"""Name and groups, as providers send them."""

from dataclasses import replace
from typing import Any

import pytest

from libvirt_webrtc.config.oidc import OidcConfig
from libvirt_webrtc.errors import SignInRefused
from libvirt_webrtc.portal.oidc.claims import groups_of, is_complete, name_of

CONFIG = OidcConfig("https://id.example.org", "portal")


@pytest.mark.parametrize(
    ("claim", "claims", "name"),
    [
        (None, {"sub": "1", "preferred_username": "alice"}, "alice"),
        (None, {"sub": "1"}, "1"),
        ("sub", {"sub": "1", "preferred_username": "alice"}, "1"),
        ("email", {"sub": "1", "email": "a@example.org", "email_verified": True}, "a@example.org"),
        ("user.name", {"sub": "1", "user": {"name": "Alice Å"}}, "Alice Å"),
        ("https://example.org/name", {"sub": "1", "https://example.org/name": "alice"}, "alice"),
    ],
)
def test_a_name_comes_from_its_claim(claim: str | None, claims: dict[str, Any], name: str) -> None:
    assert name_of(claims, replace(CONFIG, name_claim=claim)) == name


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("upn", {"sub": "1", "preferred_username": "alice"}),  # what was asked for, or nothing
        ("user.name", {"sub": "1", "user": "alice"}),
        ("email", {"sub": "1", "email": "a@example.org"}),
        ("email", {"sub": "1", "email": "a@example.org", "email_verified": "true"}),
        (None, {"sub": "1", "preferred_username": ""}),
        (None, {"sub": "1", "preferred_username": " alice"}),
        (None, {"sub": "1", "preferred_username": "al\nice"}),
        (None, {"sub": "1", "preferred_username": "al\u202eice"}),
        (None, {"sub": "1", "preferred_username": ["alice"]}),
        (None, {"sub": "1", "preferred_username": "x" * 257}),
    ],
)
def test_what_is_no_name_is_refused(claim: str | None, claims: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused):
        name_of(claims, replace(CONFIG, name_claim=claim))


@pytest.mark.parametrize(
    ("claim", "claims", "groups"),
    [
        ("groups", {"groups": ["a", "b c"]}, {"a", "b c"}),
        ("groups", {"groups": "single"}, {"single"}),
        ("groups", {"groups": []}, set()),
        ("groups", {}, set()),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, {"a"}),
        ("https://example.org/groups", {"https://example.org/groups": ["a"]}, {"a"}),
        ("realm_access.roles", {"realm_access": ["roles"]}, set()),
    ],
)
def test_groups_come_from_their_claim(claim: str, claims: dict[str, Any], groups: set[str]) -> None:
    assert groups_of(claims, replace(CONFIG, groups_claim=claim)) == groups


@pytest.mark.parametrize("groups", [7, {"a": 1}, [7], [["a"]], [""], ["a\n"], ["a"] * 1025])
def test_what_are_no_groups_is_refused(groups: object) -> None:
    with pytest.raises(SignInRefused):
        groups_of({"groups": groups}, CONFIG)


def test_complete_are_claims_with_a_name_and_groups() -> None:
    assert is_complete({"preferred_username": "alice", "groups": []}, CONFIG)
    assert not is_complete({"preferred_username": "alice"}, CONFIG)
    assert not is_complete({"sub": "1", "groups": []}, CONFIG)
