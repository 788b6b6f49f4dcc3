"""The settings of [sign_in]."""

from pathlib import Path

import pytest

from libvirt_webrtc.config.load import Config, load
from libvirt_webrtc.config.sign_in import PamConfig
from libvirt_webrtc.errors import ConfigError


def settings(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load(path, {})


def test_a_fresh_start_has_the_one_token() -> None:
    assert load(None, {}).sign_in.methods == ("token",)


def test_methods_are_as_they_are_written(tmp_path: Path) -> None:
    assert settings(tmp_path, 'sign_in.methods = ["token"]').sign_in.methods == ("token",)


def test_system_users_have_their_settings(tmp_path: Path) -> None:
    text = 'sign_in = {methods = ["pam", "token"], pam = {socket = "/s", second_factor = "required"}}'
    sign_in = settings(tmp_path, text).sign_in
    assert sign_in.methods == ("pam", "token")
    assert sign_in.pam == PamConfig(Path("/s"), "required")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('sign_in = "token"', "sign_in must be a table"),
        ("sign_in.method = 1", "sign_in.method: unknown setting; known are methods, pam, oidc, proxy"),
        ('sign_in.methods = "token"', "sign_in.methods must be an array such as"),
        ("sign_in.methods = []", "sign_in.methods must be an array such as"),
        ('sign_in.methods = ["ldap"]', "sign_in.methods names 'ldap'; write some of \"token\""),
        ('sign_in.methods = [["token"]]', "sign_in.methods names ['token']; write some of \"token\""),
        ('sign_in.methods = ["token", "token"]', "sign_in.methods names a method twice"),
        ("sign_in.pam = true", "sign_in.pam must be a table"),
        ('sign_in.pam.path = "/x"', "sign_in.pam.path: unknown setting; known are socket, second_factor"),
        ('sign_in.pam.socket = "x"', "sign_in.pam.socket must be a path that begins with /, such as /run/"),
        (
            "sign_in.pam.second_factor = true",
            'sign_in.pam.second_factor is True; write one of "enrolled", "req',
        ),
    ],
)
def test_a_mistake_is_told_with_what_to_write(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    assert told in str(caught.value)
