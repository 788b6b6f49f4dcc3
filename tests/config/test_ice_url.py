"""STUN and TURN URLs: what RFC 7064 and RFC 7065 allow, and what the refusal of others says."""

import json

import pytest

from libvirt_webrtc.config.ice_url import Target
from libvirt_webrtc.config.load import load
from libvirt_webrtc.errors import ConfigError
from tests.config.ice_urls import ACCEPTED


@pytest.mark.parametrize(("url", "target"), ACCEPTED.items())
def test_urls_are_read_and_written_again(url: str, target: Target) -> None:
    assert Target.parse(url) == target
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        # What is no URL of this kind.
        *(
            (url, "write stun:HOST, turn:HOST")
            for url in ("", "stun", "h", "stun.example", "http://h", "stunt:h")
        ),
        ("stun:", "write stun:HOST"),
        ("turn:", "write stun:HOST"),
        ("stun: h", "write stun:HOST"),
        ("stun:h ", "write stun:HOST"),
        ("stun:h/path", "write stun:HOST"),
        ("turn:-h", "write stun:HOST"),
        ("turn:a..b", "write stun:HOST"),
        ("turn:a%41", "write stun:HOST"),
        ("turn:" + "a" * 64, "write stun:HOST"),
        ("turn:" + "a." * 127 + "a", "write stun:HOST"),
        # Mistakes that are common.
        ("stun://h:3478", "write stun:h:3478"),
        ("turns://h", "write turns:h"),
        ("turn:user@h", "as 'username'"),
        ("turn:user:password@h", "as 'username'"),
        ("turn:bücher.example", "write turn:xn--bcher-kva.example"),
        ("turn:" + "ü" * 64, "begins with xn--"),
        # Addresses.
        ("stun:2001:db8::1", r"write stun:\[2001:db8::1\]"),
        ("turn:::1?transport=udp", r"write turn:\[::1\]"),
        ("turn:1:2:3", "is no IPv6 address"),
        ("stun:[fe80::1%25eth0]", "another address"),
        ("stun:[fe80::1%eth0]", "another address"),
        ("stun:[v1.x]", "is no IPv6 address"),
        ("stun:[192.0.2.1]", "is no IPv6 address"),
        ("stun:[]", "is no IPv6 address"),
        ("stun:[::1", "is no IPv6 address"),
        ("stun:[::1]x", "is no IPv6 address|is no host"),
        ("stun:192.0.2.999", "four numbers"),
        ("stun:256", "four numbers"),
        # Ports.
        *(
            (f"{scheme}:h:{port}", "from 1 to 65535")
            for scheme in ("stun", "turn")
            for port in ("", "0", "00000", "65536", "99999", "9" * 5000, "port", "-1", "+1", "1_0", "1 ", "٣")
        ),
        *((f"turn:h:{port}", "another") for port in (9, 22, 6000)),
        ("stuns:h:5349", "write stun:HOST"),
        ("turn:[::1]:99999", "from 1 to 65535"),
        ("turn:[::1]:", "from 1 to 65535"),
        ("turn:h:3478#x", "from 1 to 65535"),
        # What comes after '?'.
        ("stun:h?transport=udp", "write stun:h"),
        ("stun:h:98?transport=tcp", "write stun:h:98"),
        ("stun:h?", "write stun:h"),
        *(
            (f"turn:h?{query}", "write .transport=udp or .transport=tcp")
            for query in (
                "",
                "transport=",
                "transport=tls",
                "foo=bar",
                "transport=udp&x=1",
                "transport=udp#x",
            )
        ),
    ],
)
def test_what_is_no_url_is_refused_at_the_start_with_what_to_write(url: str, advice: str) -> None:
    servers = json.dumps([{"urls": url, "username": "u", "credential": "c"}])
    with pytest.raises(ConfigError, match=advice) as refused:
        load(environ={"QEMU_WEBRTC_ICE_SERVERS": servers})
    assert repr(url) in str(refused.value)


def test_a_turn_host_without_brackets_is_told_to_have_them() -> None:
    with pytest.raises(ConfigError, match=r"write turn:\[2001:db8::1\]"):
        load(environ={"QEMU_WEBRTC_TURN_HOST": "2001:db8::1", "QEMU_WEBRTC_TURN_CREDENTIAL": "c"})


@pytest.mark.parametrize(
    ("url", "only"),
    [("stun:h", False), ("turns:h", False), ("turns:h?transport=udp", True)],
)
def test_what_workers_cannot_use_is_known(url: str, only: bool) -> None:
    assert Target.parse(url).is_for_browsers_only == only
