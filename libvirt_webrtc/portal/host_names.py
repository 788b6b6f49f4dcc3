"""Under which names the portal answers: a foreign name may point here as well (DNS rebinding)."""

import re

from aiohttp import web

from libvirt_webrtc.config.access import is_loopback

_HOST = re.compile(r"(?:\[(?P<address>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::[0-9]{1,5})?")


class HostNames:
    """The names that are ours."""

    def allow(self, request: web.Request) -> bool:
        """Whether a request's ``Host`` is a name of ours.

        Any port is: tunnels change it, and a foreign site cannot forge the host.
        """
        return is_loopback(host_name(request))

    @property
    def advice(self) -> str:
        """What somebody is told who came by another name."""
        return "open this address as http://localhost and its port"


def host_name(request: web.BaseRequest) -> str:
    """The name in a ``Host`` header; empty when it is not ``NAME``, ``NAME:PORT`` or ``[ADDRESS]:PORT``."""
    found = _HOST.fullmatch(request.headers.get("Host", ""))
    return (found["address"] or found["name"]).lower() if found is not None else ""
