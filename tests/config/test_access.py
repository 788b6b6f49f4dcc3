"""Where the portal listens."""

import pytest

from libvirt_webrtc.config.access import ListenAddress, is_loopback
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
    "text", ["", "8080", ":8080", "localhost", "localhost:", "localhost:65536", "localhost:-1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not HOST:PORT"):
        ListenAddress.parse(text)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "example.org", "localhost.example.org"])
def test_other_addresses_are_refused_until_there_is_tls(host: str) -> None:
    with pytest.raises(ConfigError, match="no TLS yet.*ssh -L 8080:127.0.0.1:8080"):
        ListenAddress.parse(f"{host}:8080")


def test_loopback_is_this_machine_only() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(map(is_loopback, ("", "127.1", "10.0.0.1", "::", "localhost.", "127.0.0.1.example")))
