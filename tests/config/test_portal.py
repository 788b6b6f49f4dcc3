"""The settings of [portal]."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from libvirt_webrtc.config.load import load
from libvirt_webrtc.config.portal import PortalConfig, PublicUrl
from libvirt_webrtc.errors import ConfigError


def settings(tmp_path: Path, text: str, before: str = "") -> PortalConfig:
    path = tmp_path / "config.toml"
    path.write_text(f"{before}\n[portal]\n{text}\n")
    return load(path, {}).portal


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    text = 'public_url = "https://VM.example.org/console/"\ntrusted_proxies = ["127.0.0.1", "10.0.0.0/8"]'
    public = PublicUrl("https", "vm.example.org", 443, "/console/")
    proxies = (ip_network("127.0.0.1"), ip_network("10.0.0.0/8"))
    assert settings(tmp_path, text) == PortalConfig(public, proxies)
    assert settings(tmp_path, "") == PortalConfig()


@pytest.mark.parametrize(
    ("text", "url", "origin"),
    [
        ("https://vm.example.org", "https://vm.example.org/", "https://vm.example.org"),
        ("https://vm.example.org:443/a/b", "https://vm.example.org/a/b/", "https://vm.example.org"),
        ("https://vm.example.org:8443/", "https://vm.example.org:8443/", "https://vm.example.org:8443"),
        ("https://[2001:DB8::1]:8443/x/", "https://[2001:db8::1]:8443/x/", "https://[2001:db8::1]:8443"),
        ("http://localhost:80", "http://localhost/", "http://localhost"),
    ],
)
def test_an_address_is_as_browsers_have_it(text: str, url: str, origin: str) -> None:
    public = PublicUrl.parse(text, "here")
    assert (str(public), public.origin) == (url, origin)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("public_url = 7", "must be a string such as"),
        ('public_url = "vm.example.org"', "is no URL of a site"),
        ('public_url = "ftp://vm.example.org/"', "is no URL of a site"),
        ('public_url = "https://"', "is no URL of a site"),
        ('public_url = "https://vm.example.org:x/"', "is no URL"),
        ('public_url = "https://[::1/"', "is no URL"),
        ('public_url = "https://user@vm.example.org/"', "more than a host"),
        ('public_url = "https://vm.example.org/?x"', "more than a host"),
        ('public_url = "https://vm.example.org/#x"', "more than a host"),
        ('public_url = "https://bücher.example/"', "more than a host in ASCII"),
        ('public_url = "https://vm.example.org/a//b/"', "must be of letters"),
        ('public_url = "https://vm.example.org/../"', "must be of letters"),
        ('public_url = "https://vm.example.org/a;b/"', "must be of letters"),
        ('public_url = "https://vm.example.org/static/"', "cannot begin with /static/"),
        ('trusted_proxies = ["127.0.0.1"]', "needs public_url"),
        ('public_url = "https://a/"\ntrusted_proxies = "127.0.0.1"', "must be an array"),
        ('public_url = "https://a/"\ntrusted_proxies = ["nginx"]', "write an address"),
        ('public_url = "https://a/"\ntrusted_proxies = ["0.0.0.0/0"]', "that is everybody"),
        ('public_url = "http://vm.example.org/"', "in the clear"),
        ("url = 7", "must be a table with"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    assert "portal" in str(caught.value) and told in str(caught.value)


def test_plain_http_is_for_loopback_and_for_who_says_so(tmp_path: Path) -> None:
    assert settings(tmp_path, 'public_url = "http://localhost/vm/"').public_url is not None
    assert (
        settings(tmp_path, 'public_url = "http://vm.example.org/"', "insecure = true").public_url is not None
    )
