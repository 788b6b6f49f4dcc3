"""The settings of [sign_in.oidc]."""

from pathlib import Path

import pytest

from libvirt_webrtc.config.load import load
from libvirt_webrtc.config.oidc import OidcConfig
from libvirt_webrtc.errors import ConfigError

LEAST = {"issuer": '"https://id.example.org/realms/x"', "client_id": '"portal"'}


def settings(tmp_path: Path, methods: str = '["oidc"]', **changes: str) -> OidcConfig | None:
    lines = "\n".join(f"{key} = {value}" for key, value in {**LEAST, **changes}.items() if value)
    path = tmp_path / "config.toml"
    path.write_text(f"[sign_in]\nmethods = {methods}\n[sign_in.oidc]\n{lines}\n")
    return load(path, {}).sign_in.oidc


def test_the_least_that_is_needed(tmp_path: Path) -> None:
    assert settings(tmp_path) == OidcConfig("https://id.example.org/realms/x", "portal")


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    assert settings(
        tmp_path,
        issuer='"http://127.0.0.1:9000"',
        client_secret_file='"/etc/secret"',
        label='"Sign in with Example"',
        scopes='["openid", "groups"]',
        name_claim='"email"',
        groups_claim='"realm_access.roles"',
        provider_sign_out="false",
    ) == OidcConfig(
        "http://127.0.0.1:9000",
        "portal",
        Path("/etc/secret"),
        "Sign in with Example",
        ("openid", "groups"),
        "email",
        "realm_access.roles",
        False,
    )


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("issuer", "", "issuer is missing"),
        ("client_id", "", "client_id is missing"),
        ("issuer", '"http://id.example.org"', "write the provider's https URL"),
        ("issuer", '"id.example.org"', "write the provider's https URL"),
        ("issuer", '"https://id.example.org/?x"', "without ? and #"),
        ("issuer", '"https://[1"', "write the provider's https URL"),
        ("client_id", '" "', "must be a string that is not empty"),
        ("client_secret", '"abc"', "unknown setting; known are client_id, client_secret_file"),
        ("client_secret_file", "7", "must be a string"),
        ("scopes", '"openid"', "must be an array of words"),
        ("scopes", '["openid profile"]', "must be an array of words"),
        ("scopes", '["profile"]', 'must have "openid" in it'),
        ("provider_sign_out", '"no"', "must be true or false"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(tmp_path: Path, key: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, **{key: value})
    assert f"sign_in.oidc.{key}" in str(caught.value) and told in str(caught.value)


def test_the_method_needs_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('sign_in.methods = ["oidc"]\n')
    with pytest.raises(ConfigError, match=r"needs its settings in \[sign_in.oidc\]"):
        load(path, {})


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"s3cret\n", 0o640, "chmod 600"),
        (b"", 0o600, "one line of text"),
        (b"\n", 0o600, "one line of text"),
        (b"two\nlines\n", 0o600, "one line of text"),
        (b"x" * 5000, 0o600, "one line of text"),
        (b"\xff\xfe", 0o600, "cannot be read"),
        (None, 0, "cannot be read"),
    ],
)
def test_a_secrets_file_that_cannot_be_used(
    tmp_path: Path, content: bytes | None, mode: int, told: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    config = OidcConfig("https://id.example.org", "portal", path)
    with pytest.raises(ConfigError) as caught:
        config.client_secret()
    assert told in str(caught.value) and "s3cret" not in str(caught.value)


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text(" s3cret\n")
    assert OidcConfig("https://id.example.org", "portal", path).client_secret() == "s3cret"
    assert OidcConfig("https://id.example.org", "portal").client_secret() is None
