"""Under which names the portal answers: a foreign name may point here as well (DNS rebinding)."""

import re
from collections.abc import Iterable
from ipaddress import ip_address

from aiohttp import web

from libvirt_webrtc.config.access import ListenAddress, is_loopback
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate

_HOST = re.compile(r"(?:\[(?P<address>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::[0-9]{1,5})?")


class HostNames:
    """The names that are ours.

    Args:
        listen: where the portal listens.
        machine: what this machine is called; of no use where the portal listens on loopback only.
        certificate: what it serves with; the names in it count as long as it is in force. None: plain HTTP.
    """

    def __init__(
        self,
        listen: ListenAddress,
        machine: Iterable[str] = (),
        certificate: PortalCertificate | None = None,
    ) -> None:
        self._certificate = certificate
        self._loopback_only = listen.is_loopback
        self._names: frozenset[str] = frozenset()
        if not listen.is_loopback:
            self._names = frozenset({listen.host.lower(), *machine})

    def allow(self, request: web.Request) -> bool:
        """Whether a request's ``Host`` is a name of ours.

        Any port is: tunnels change it, and a foreign site cannot forge the host.
        """
        name = host_name(request)
        if is_loopback(name) or name in self._names:
            return True
        if self._certificate is not None and _is_among(name, self._certificate.present.names):
            return True
        return not self._loopback_only and _is_local_address(name, request)

    @property
    def advice(self) -> str:
        """What somebody is told who came by another name."""
        if self._loopback_only and self._certificate is None:
            return "open this address as http://localhost and its port"
        names = sorted(name for name in self._names if is_named(name)) or ["its address"]
        return (
            f"open this portal as {' or '.join(names)}; for another name the operator needs a certificate in [tls] "
            "that is for it"
        )


def host_name(request: web.BaseRequest) -> str:
    """The name in a ``Host`` header; empty when it is not ``NAME``, ``NAME:PORT`` or ``[ADDRESS]:PORT``."""
    found = _HOST.fullmatch(request.headers.get("Host", ""))
    return (found["address"] or found["name"]).lower() if found is not None else ""


def is_named(host: str) -> bool:
    """Whether it is a name that other machines know: no address, and not this machine's own."""
    try:
        ip_address(host)
    except ValueError:
        return bool(host) and host != "localhost"
    return False


def _is_among(name: str, names: frozenset[str]) -> bool:
    """Whether a certificate with these names is for ``name``: ``*`` stands for one label, the first."""
    return name in names or (is_named(name) and f"*.{name.partition('.')[2]}" in names)


def _is_local_address(name: str, request: web.Request) -> bool:
    """Whether it is the very address that the client connected to: one of this machine, whichever those are now."""
    local = request.transport.get_extra_info("sockname") if request.transport is not None else None
    try:
        address = ip_address(local[0].partition("%")[0]) if local else None
        return address is not None and ip_address(name) == (getattr(address, "ipv4_mapped", None) or address)
    except ValueError:
        return False
