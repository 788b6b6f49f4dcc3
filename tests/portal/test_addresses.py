"""Whose request it is that came through proxies."""

from ipaddress import ip_network

import pytest

from libvirt_webrtc.portal.addresses import forwarded_client

TRUSTED = (ip_network("127.0.0.1"), ip_network("10.0.0.0/29"), ip_network("fd00::1"))


@pytest.mark.parametrize(
    ("peer", "hops", "client"),
    [
        ("127.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1", ["192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ("127.0.0.1", ["192.0.2.7", "10.0.0.2"], "192.0.2.7"),
        ("::ffff:127.0.0.1", ["192.0.2.7:50123"], "192.0.2.7"),
        ("fd00::1", ["[2001:db8::7]:50123"], "2001:db8::7"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        # What the client wrote itself stands to the left of its address.
        ("127.0.0.1", ["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1", ["127.0.0.1, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ("127.0.0.1", ["nonsense, 10.0.0.2"], "10.0.0.2"),
        # All of them are proxies: it began at the first one.
        ("127.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("127.0.0.1", ["unknown"], None),
        ("127.0.0.1", ["192.0.2.7, "], None),
        ("127.0.0.1", [], None),
        ("192.0.2.1", ["192.0.2.7"], None),
    ],
)
def test_the_client_is_the_last_one_that_is_no_trusted_proxy(
    peer: str, hops: list[str], client: str | None
) -> None:
    assert forwarded_client(peer, hops, TRUSTED) == client
