"""Finds out how a request came, and refuses it where it came by an address that is not ours."""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from libvirt_webrtc.config.networks import is_among
from libvirt_webrtc.config.portal import PortalConfig, PublicUrl
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.portal import misfits
from libvirt_webrtc.portal.addresses import (
    Arrival,
    arrival_of,
    client_of,
    forwarded_client,
    peer_of,
    set_arrival,
)
from libvirt_webrtc.portal.auth.cookie import read_cookies
from libvirt_webrtc.portal.connections import connection_of
from libvirt_webrtc.portal.host_names import HostNames, host_name
from libvirt_webrtc.portal.problems import Problem

log = logging.getLogger(__name__)

_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
"""What a reverse proxy adds, and a browser does not."""


class Site:
    """The portal's addresses: its own, and the public one.

    Args:
        config: the public one, and the proxies that are in front of it.
        names: its own.
    """

    def __init__(self, config: PortalConfig, names: HostNames) -> None:
        self._public = config.public_url
        self._trusted = config.trusted_proxies
        self._names = names
        self._untrusted = LimitedLogger(log)

    @property
    def middleware(self) -> Middleware:
        """Lets in what came by an address of ours; :func:`arrival_of` then tells how."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            arrival = self.arrival(request)
            set_arrival(request, arrival)
            # Behind a proxy all connections have its address: count them for those who send requests on them.
            connection_of(request).client = client_of(arrival.remote)
            return await handler(request)

        return middleware

    def arrival(self, request: web.Request) -> Arrival:
        """How a request came.

        Raises:
            Problem: by a name that is not ours: a foreign one may point here as well (DNS rebinding); or its headers
                do not fit the public address.
        """
        public, name = self._public, host_name(request)
        by_proxy = public is not None and is_among(peer_of(request), self._trusted)
        forwarded = any(header in request.headers for header in _FORWARDED)
        if public is not None and by_proxy and (forwarded or name == public.host):
            return self._through_proxy(request, public)
        if public is not None and name == public.host:
            if forwarded:
                self._untrusted.warning(
                    "a proxy at %s is not in [portal] trusted_proxies: all who come through it count as one client",
                    peer_of(request),
                )
            return Arrival(peer_of(request), public.origin, public.path)
        if not self._names.allow(request):
            raise Problem(403, "wrong_host", self._names.advice)
        return Arrival(peer_of(request), f"{request.scheme}://{request.headers['Host'].lower()}")

    def _through_proxy(self, request: web.Request, public: PublicUrl) -> Arrival:
        if host_name(request) != public.host:
            raise misfits.host_replaced(public, request.headers.get("Host", ""))
        scheme = ",".join(request.headers.getall("X-Forwarded-Proto", [])).rpartition(",")[2].strip()
        if not scheme:
            raise misfits.scheme_missing(public)
        if scheme.lower() != public.scheme:
            raise misfits.scheme_differs(public, scheme)
        hops = request.headers.getall("X-Forwarded-For", [])
        client = forwarded_client(peer_of(request), hops, self._trusted)
        if client is None:
            raise misfits.client_missing(", ".join(hops) or None)
        return Arrival(client, public.origin, public.path)


def check_origin(request: web.Request) -> None:
    """Only our own pages may change something: pages on other ports of this host get our cookie sent along, too.

    Browsers send an ``Origin`` with every such request. A program without cookies needs none.

    Raises:
        Problem: it is not from our own pages.
    """
    arrival, origin = arrival_of(request), request.headers.get("Origin")
    if origin is None and not read_cookies(request) and "Sec-Fetch-Site" not in request.headers:
        return
    if origin == arrival.origin:
        _check_folder(request, arrival)
        return
    host = request.headers["Host"]
    if origin is not None and origin.startswith("https://") and not arrival.secure and arrival.path == "/":
        raise misfits.host_differs_from_origin(host, origin)
    raise misfits.origin_differs(arrival.origin, origin)


def _check_folder(request: web.Request, arrival: Arrival) -> None:
    """Pages where one signs in send their address along. A proxy may have them in another folder than ours."""
    page = request.headers.get("Referer", "")
    path = page.removeprefix(arrival.origin).partition("?")[0]
    if not page.startswith(arrival.origin + "/"):
        return
    if not path.startswith(arrival.path) or (path.endswith("/login") and path != f"{arrival.path}login"):
        raise misfits.path_differs(arrival.base, arrival.path, page)
