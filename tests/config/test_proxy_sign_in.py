"""The settings of [sign_in.proxy]."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from libvirt_webrtc.config.load import load
from libvirt_webrtc.config.proxy_sign_in import ProxySignInConfig
from libvirt_webrtc.errors import ConfigError


def settings(tmp_path: Path, text: str) -> ProxySignInConfig:
    path = tmp_path / "config.toml"
    path.write_text(f'[sign_in]\nmethods = ["proxy"]\n[sign_in.proxy]\n{text}\n')
    proxy = load(path, {}).sign_in.proxy
    assert proxy is not None
    return proxy


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    text = 'from = ["10.0.0.2", "fd00::/64"]\nuser_header = "X-User"\ngroups_header = "X-Groups"'
    sources = (ip_network("10.0.0.2"), ip_network("fd00::/64"))
    assert settings(tmp_path, text) == ProxySignInConfig(sources, "X-User", "X-Groups")
    assert settings(tmp_path, 'from = ["10.0.0.2"]') == ProxySignInConfig(sources[:1], "X-Remote-User", None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "from must be an array"),
        ("from = []", "from must be an array"),
        ('from = "10.0.0.2"', "from must be an array"),
        ('from = ["proxy.example.org"]', "write an address"),
        ("from = [7]", "write an address"),
        ('from = ["10.0.0.2/24"]', "write an address"),
        ('from = ["0.0.0.0/0"]', "that is everybody"),
        ('from = ["::/0"]', "that is everybody"),
        ('from = ["10.0.0.2"]\nuser_header = "X User"', "the name of a header"),
        ('from = ["10.0.0.2"]\nuser_header = "Cookie"', "which every browser sends"),
        ('from = ["10.0.0.2"]\ngroups_header = "origin"', "which every browser sends"),
        ('from = ["10.0.0.2"]\nsecret = "x"', "unknown setting"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    assert "sign_in.proxy" in str(caught.value) and told in str(caught.value)


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.0.0.2", True),
        ("::ffff:10.0.0.2", True),
        ("fd00::7", True),
        ("fe80::1%eth0", True),
        ("10.0.0.3", False),
        ("::1", False),
        ("", False),
        (None, False),
        ("proxy", False),
    ],
)
def test_only_these_addresses_are_trusted(address: str | None, trusted: bool) -> None:
    config = ProxySignInConfig((ip_network("10.0.0.2"), ip_network("fd00::/64"), ip_network("fe80::1")))
    assert config.trusts(address) == trusted


def test_every_program_of_this_machine_can_pass_for_a_proxy_on_it() -> None:
    assert ProxySignInConfig((ip_network("127.0.0.1"),)).trusts_this_machine
    assert ProxySignInConfig((ip_network("10.0.0.2"), ip_network("::1"))).trusts_this_machine
    assert not ProxySignInConfig((ip_network("10.0.0.2"),)).trusts_this_machine
