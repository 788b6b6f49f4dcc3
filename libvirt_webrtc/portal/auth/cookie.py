"""The session's cookie, and the header with its key."""

from enum import Enum

from aiohttp import web

NAME = "libvirt-webrtc"
"""What the cookie's name begins with.

The portal is plain HTTP on loopback, where Safari takes no cookie with ``Secure``, and so none with the ``__Host-``
prefix. Browsers send cookies to all ports of a host, so the port that the browser uses is part of the name: portals of
two hosts, each behind a tunnel of its own to localhost, do not sign each other's users out.
"""

KEY_HEADER = "Session-Key"
"""Comes with every request but those of pages themselves. Its value is where other ports' pages cannot read it, and
browsers send it nowhere by themselves."""


class CookieUse(Enum):
    """What a cookie is for; the value ends its name."""

    SESSION = ""
    OIDC = "-oidc"
    """A sign-in that is on its way through an OpenID provider."""


def read_cookie(request: web.Request, use: CookieUse = CookieUse.SESSION) -> str:
    """The cookie's value; empty where the request has none."""
    return request.cookies.get(_name(request, use), "")


def set_cookie(
    response: web.Response,
    request: web.Request,
    value: str,
    max_age_s: int,
    use: CookieUse = CookieUse.SESSION,
) -> None:
    """Have the browser keep ``value`` for ``max_age_s`` seconds; 0 makes it forget the cookie."""
    response.set_cookie(
        _name(request, use), value, max_age=max_age_s, path="/", httponly=True, samesite="Strict"
    )


def _name(request: web.Request, use: CookieUse) -> str:
    """``libvirt-webrtc-PORT``, and what it is for. The header's form was checked before."""
    port = request.headers["Host"].rpartition("]")[2].partition(":")[2]
    return (f"{NAME}-{port}" if port else NAME) + use.value
