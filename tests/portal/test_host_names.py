"""Which names are the portal's, by where it listens."""

import pytest
from aiohttp.test_utils import make_mocked_request

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.portal.host_names import HostNames, is_named

MACHINE = ("hv1", "hv1.example.org")


class Transport:
    """Of a connection to this address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._address, 8443, 0, 0) if name == "sockname" else default


def allowed(listen: str, host: str, local: str = "127.0.0.1") -> bool:
    request = make_mocked_request("GET", "/", {"Host": host}, transport=Transport(local))
    return HostNames(ListenAddress.parse(listen), MACHINE).allow(request)


@pytest.mark.parametrize("host", ["hv1:8443", "HV1.example.org", "localhost", "[::1]:8443", "192.0.2.7:8443"])
@pytest.mark.parametrize("listen", ["0.0.0.0:8443", "[::]:8443", "192.0.2.7:8443", "hv1:8443"])
def test_names_and_addresses_of_the_machine_are_taken_where_others_reach_it(listen: str, host: str) -> None:
    assert allowed(listen, host, "::ffff:192.0.2.7" if listen.startswith("[") else "192.0.2.7")


@pytest.mark.parametrize("host", ["evil.example", "hv2", "192.0.2.8", "hv1.evil.example", "", "[fe80::1"])
def test_what_is_not_the_machines_is_refused(host: str) -> None:
    assert not allowed("0.0.0.0:8443", host, "192.0.2.7")


def test_an_address_is_taken_from_whoever_connected_to_it() -> None:
    assert allowed("[::]:8443", "[2001:db8::5]:8443", "2001:db8::5")
    assert not allowed("[::]:8443", "[2001:db8::5]:8443", "2001:db8::6")


@pytest.mark.parametrize("host", ["hv1", "192.0.2.7", "hv1.example.org:8080"])
def test_on_loopback_only_loopback_names_are_taken(host: str) -> None:
    assert not allowed("127.0.0.1:8080", host, "192.0.2.7")


def test_who_came_by_another_name_is_told_which_there_are() -> None:
    assert "http://localhost" in HostNames(ListenAddress()).advice
    assert "as hv1 or hv1.example.org;" in HostNames(ListenAddress.parse("0.0.0.0:1"), MACHINE).advice


def test_a_named_host_is_no_address_and_not_localhost() -> None:
    assert is_named("hv1") and not any(map(is_named, ("", "localhost", "127.0.0.1", "::1", "192.0.2.1")))
