from pathlib import Path

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.errors import ConfigError, StateError
from libvirt_webrtc.portal.auth.user import Method
from libvirt_webrtc.portal.issued import api_tokens
from libvirt_webrtc.portal.issued.api_tokens import DAY_S, KEPT_S, ApiTokens
from libvirt_webrtc.portal.issued.secret_text import TOKEN_PREFIX, is_whole, secret_hash
from tests.portal.issued.clocks import NOON, SetClocks


@pytest.fixture
def clocks() -> SetClocks:
    return SetClocks()


@pytest.fixture
def tokens(tmp_path: Path, clocks: SetClocks) -> ApiTokens:
    return ApiTokens(tmp_path, clocks.of_run())


def test_a_token_is_kept_by_its_hash_with_what_it_may(tokens: ApiTokens) -> None:
    made, text = tokens.create("ci", Role.CONTROL, ["web-*", "db"], 30)
    assert tokens.file.read() == [made]
    assert is_whole(text, TOKEN_PREFIX) and made.hash == secret_hash(text)
    content = tokens.file.path.read_text()
    assert text not in content and text[4:] not in content
    assert made.life.ends == NOON + 30 * DAY_S
    user = made.user
    assert (user.name, user.method) == ("ci", Method.API_TOKEN)
    assert user.limit is not None
    assert (user.limit.role, user.limit.domains, user.limit.id) == (Role.CONTROL, ("web-*", "db"), made.id)


def test_one_is_taken_back_by_its_name_or_its_id(tokens: ApiTokens) -> None:
    first, _ = tokens.create("first", Role.VIEW, ["*"], 1)
    second, _ = tokens.create("second", Role.VIEW, ["*"], 1)
    assert tokens.revoke(first.id) == first
    assert tokens.revoke("second") == second
    assert tokens.file.read() == []
    with pytest.raises(ConfigError, match="there is no token 'second'"):
        tokens.revoke("second")


@pytest.mark.parametrize(
    ("name", "domains", "days", "why"),
    [
        ("", ["*"], 1, "cannot be a token's name"),
        ("a b", ["*"], 1, "cannot be a token's name"),
        ("-a", ["*"], 1, "cannot be a token's name"),
        ("a\n", ["*"], 1, "cannot be a token's name"),
        ("ü", ["*"], 1, "cannot be a token's name"),
        ("x" * 65, ["*"], 1, "cannot be a token's name"),
        ("0123abcd", ["*"], 1, "would be an ID"),
        ("a", [], 1, "--domain"),
        ("a", ["*", ""], 1, "--domain"),
        ("a", ["*"], 0, "--days 0"),
        ("a", ["*"], -1, "--days -1"),
        ("a", ["*"], 3651, "--days 3651"),
        ("a", ["*"], float("nan"), "--days nan"),
        ("a", ["*"], float("inf"), "--days inf"),
    ],
)
def test_what_cannot_be_is_refused(
    tokens: ApiTokens, name: str, domains: list[str], days: float, why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        tokens.create(name, Role.VIEW, domains, days)
    assert not tokens.file.path.exists()


def test_a_name_is_taken_while_its_token_lives_and_an_ended_one_is_listed_for_a_week(
    tokens: ApiTokens, clocks: SetClocks
) -> None:
    tokens.create("ci", Role.VIEW, ["*"], 1)
    other, _ = tokens.create("other", Role.VIEW, ["*"], 1)
    with pytest.raises(ConfigError, match="there is a token named 'ci'"):
        tokens.create("ci", Role.VIEW, ["*"], 1)
    clocks.passed = DAY_S
    again, _ = tokens.create("ci", Role.VIEW, ["*"], 30)
    assert tokens.file.read() == [other, again]
    clocks.passed = DAY_S + KEPT_S
    tokens.create("third", Role.VIEW, ["*"], 1)
    assert [token.name for token in tokens.file.read()] == ["ci", "third"]


def test_when_one_was_last_used_is_kept_to_the_hour(tokens: ApiTokens, clocks: SetClocks) -> None:
    made, _ = tokens.create("ci", Role.VIEW, ["*"], 1)
    other, _ = tokens.create("other", Role.VIEW, ["*"], 1)
    clocks.passed = 3 * 3600 + 1800
    tokens.note_used([made.id, "gone"])
    used = {token.name: token.used for token in tokens.file.read()}
    assert used == {"ci": NOON + 3 * 3600, "other": None}
    version = tokens.file.version()
    clocks.passed += 60
    tokens.note_used([made.id])
    assert tokens.file.version() == version


def test_there_are_not_endlessly_many(tokens: ApiTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MAX_TOKENS", 2)
    tokens.create("a", Role.VIEW, ["*"], 1)
    tokens.create("b", Role.VIEW, ["*"], 1)
    with pytest.raises(ConfigError, match="revoke some first"):
        tokens.create("c", Role.VIEW, ["*"], 1)


def test_a_role_that_is_none_makes_the_file_a_damaged_one(tokens: ApiTokens) -> None:
    tokens.create("ci", Role.VIEW, ["*"], 1)
    path = tokens.file.path
    path.write_text(path.read_text().replace('"view"', '"root"'))
    with pytest.raises(StateError, match="damaged.*'root' is no role"):
        tokens.file.read()
