"""IP networks in settings: whom something is believed of."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from libvirt_webrtc.errors import ConfigError

Network = IPv4Network | IPv6Network


def networks_from(value: object, where: str) -> tuple[Network, ...]:
    """From an array of addresses and networks, as TOML has it.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, list):
        raise ConfigError(f'{where} must be an array of addresses, such as ["127.0.0.1", "10.0.0.0/29"]')
    return tuple(_network(entry, where) for entry in value)


def is_among(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address, as a connection or a header names it, is in one of ``networks``; text that is none is not."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)


def _network(value: object, where: str) -> Network:
    try:
        network = ip_network(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ConfigError(
            f"{where} names {value!r}; write an address, or a network such as 10.0.0.0/29"
        ) from error
    if network.prefixlen == 0:
        raise ConfigError(f"{where} names {value!r}: that is everybody; name the proxies alone")
    return network
