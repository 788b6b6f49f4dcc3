"""The session's cookie, and the header with its key."""

from enum import Enum

from aiohttp import web

from libvirt_webrtc.portal.addresses import Arrival, arrival_of

NAME = "libvirt-webrtc"
"""What the cookie's name has in it.

- Over HTTPS the cookie is ``Secure``, and a prefix has browsers refuse one that is not: ``__Host-``, or, in a folder of
  a site, ``__Secure-``, since ``__Host-`` is for cookies of whole hosts.
- Over plain HTTP, on loopback or with ``insecure``, it has neither: Safari takes no such cookie there.

Browsers send cookies to all ports of a host, so the port that the browser uses is part of the name: portals of two
hosts, each behind a tunnel of its own to localhost, do not sign each other's users out.
"""

KEY_HEADER = "Session-Key"
"""Comes with every request but those of pages themselves. Its value is where other ports' pages cannot read it, and
browsers send it nowhere by themselves."""


STREAM_PROTOCOL = "libvirt-webrtc.stream"
"""The subprotocol of a console's WebSocket. Pages offer it together with ``libvirt-webrtc.key.KEY``: that is the only
header of a WebSocket's request that a page can set."""
_KEY_PROTOCOL = "libvirt-webrtc.key."


def read_key(request: web.Request) -> str:
    """The key's value; empty where the request has none."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    keys = [name.strip().removeprefix(_KEY_PROTOCOL) for name in offered if _KEY_PROTOCOL in name]
    return request.headers.get(KEY_HEADER) or next(iter(keys), "")


class CookieUse(Enum):
    """What a cookie is for; the value ends its name."""

    SESSION = ""
    OIDC = "-oidc"
    """A sign-in that is on its way through an OpenID provider."""
    LINK = "-link-"
    """The session of a share link, whose ID ends the name: a browser can have several, beside its user's own."""


def read_cookie(request: web.Request, use: CookieUse = CookieUse.SESSION) -> str:
    """The cookie's value; empty where the request has none."""
    return request.cookies.get(cookie_name(arrival_of(request), use), "")


def read_cookies(request: web.Request) -> list[str]:
    """The values of all cookies that stand for sessions: the user's own first, then those of links."""
    links = cookie_name(arrival_of(request), CookieUse.LINK)
    found = [value for name, value in request.cookies.items() if name.startswith(links)]
    own = read_cookie(request)
    return [own, *found] if own else found


def set_cookie(
    response: web.Response,
    request: web.Request,
    value: str,
    max_age_s: int,
    use: CookieUse = CookieUse.SESSION,
    which: str = "",
) -> None:
    """Have the browser keep ``value`` for ``max_age_s`` seconds; 0 makes it forget the cookie.

    ``which`` tells several cookies of one use apart.
    """
    arrival = arrival_of(request)
    response.set_cookie(
        cookie_name(arrival, use) + which,
        value,
        max_age=max_age_s,
        path=arrival.path,
        secure=arrival.secure,
        httponly=True,
        samesite="Strict",
    )


def cookie_name(arrival: Arrival, use: CookieUse = CookieUse.SESSION) -> str:
    """``libvirt-webrtc-PORT``, without the port where the address has none; with the prefix that fits, and its use."""
    prefix = "" if not arrival.secure else "__Host-" if arrival.path == "/" else "__Secure-"
    port = "" if arrival.port is None else f"-{arrival.port}"
    return f"{prefix}{NAME}{port}{use.value}"
