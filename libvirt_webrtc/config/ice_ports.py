"""The UDP ports that workers may use, and the addresses that they offer."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from libvirt_webrtc.errors import ConfigError

LOWEST = 1024
"""Workers have no right to ports below it, and browsers send nothing there."""

_RANGE = re.compile(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports, both ends included."""

    first: int
    last: int

    @classmethod
    def parse(cls, value: object, where: str) -> "PortRange":
        """From ``"50000-50100"`` or ``"50000"``; ``where`` says where it stands.

        Raises:
            ConfigError: says what to write.
        """
        found = _RANGE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise ConfigError(f'{where} is {value!r}; write "FIRST-LAST", such as "50000-50100", or one port')
        ports = cls(int(found[1]), int(found[2] or found[1]))
        if not LOWEST <= ports.first <= ports.last <= 65535:
            raise ConfigError(
                f"{where} is {value!r}; write ports from {LOWEST} to 65535, the lower one first"
            )
        return ports

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def addresses_from_list(value: object, where: str) -> tuple[str, ...]:
    """The addresses to offer, in the form in which the system writes them.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise ConfigError(f'{where} must be an array of IP addresses, such as ["203.0.113.7", "2001:db8::1"]')
    return tuple(dict.fromkeys(_address(each, where) for each in value))


def _address(text: str, where: str) -> str:
    try:
        address = ip_address(text.strip())
    except ValueError:
        raise ConfigError(f"{where}: {text!r} is no IP address; names are not looked up") from None
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        raise ConfigError(f"{where}: {text} is nobody's address; write one that viewers can reach")
    if address.is_link_local:
        raise ConfigError(f"{where}: {text} means something on one link only; write another of the machine's")
    return str(address)
