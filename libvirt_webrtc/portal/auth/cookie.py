"""The session's cookie."""

from aiohttp import web

NAME = "__Host-libvirt-webrtc"
"""Browsers take a ``Secure`` cookie with the ``__Host-`` prefix over plain HTTP from ``localhost``,
``127.0.0.1`` and ``[::1]`` (tried with Chromium 156 and Firefox 153 ESR)."""


def read_cookie(request: web.Request) -> str:
    """The cookie's value; empty where the request has none."""
    return request.cookies.get(NAME, "")


def set_cookie(response: web.Response, value: str, max_age_s: int) -> None:
    """Have the browser keep ``value`` for ``max_age_s`` seconds; 0 makes it forget the cookie."""
    response.set_cookie(
        NAME, value, max_age=max_age_s, path="/", secure=True, httponly=True, samesite="Strict"
    )
