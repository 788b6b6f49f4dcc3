"""Where the portal listens."""

import pytest

from libvirt_webrtc.config.access import ListenAddress, is_loopback
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "host", "port", "authority"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"),
        ("127.8.8.8:65535", "127.8.8.8", 65535, "127.8.8.8:65535"),
        ("localhost:0", "localhost", 0, "localhost:0"),
        ("[::1]:8080", "::1", 8080, "[::1]:8080"),
    ],
)
def test_loopback_addresses_are_taken(text: str, host: str, port: int, authority: str) -> None:
    listen = ListenAddress.parse(text)
    assert listen == ListenAddress(host, port)
    assert listen.authority == authority


@pytest.mark.parametrize(
    "text", ["", "8080", "localhost", "localhost:", "localhost:65536", "localhost:-1", "localhost:\u0663"]
)
def test_what_has_no_port_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not HOST:PORT"):
        ListenAddress.parse(text)


@pytest.mark.parametrize(
    "host",
    ["", "::", "[192.0.2.1]", "[hv1]", "192.0.2", "192.0.2.256", "hv 1", "-hv1", "hv1/", "a" * 64, "[::1"],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(
        ConfigError, match="does not begin with an (IPv6 address in brackets|address or host name)"
    ):
        ListenAddress.parse(f"{host}:8080")


def test_an_asterisk_is_told_how_to_say_it() -> None:
    with pytest.raises(ConfigError, match=r"write \[::\]:8443, or 0\.0\.0\.0:8443"):
        ListenAddress.parse("*:8443")


@pytest.mark.parametrize(
    ("text", "everywhere"),
    [("0.0.0.0:1", True), ("[::]:1", True), ("192.0.2.1:1", False), ("hv1.example.org:1", False)],
)
def test_other_addresses_are_taken_and_are_https(text: str, everywhere: bool) -> None:
    listen = ListenAddress.parse(text)
    assert not listen.is_loopback and listen.is_everywhere is everywhere
    assert Config(listen=listen).needs_tls and not Config(listen=listen, insecure=True).needs_tls
    assert not Config().needs_tls


def test_loopback_is_this_machine_only() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(map(is_loopback, ("", "127.1", "10.0.0.1", "::", "localhost.", "127.0.0.1.example")))
