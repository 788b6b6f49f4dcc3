"""Turns whatever a handler raises into a response: JSON for programs and scripts, a page for who opens one."""

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from libvirt_webrtc.errors import LibvirtWebRTCError
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.portal.addresses import folder_of
from libvirt_webrtc.portal.audit import refused
from libvirt_webrtc.portal.problem_page import problem_page, wants_page
from libvirt_webrtc.portal.problems import MAX_BODY_BYTES, Problem

log = logging.getLogger(__name__)

_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
"""The statuses of refusals, of which the audit log tells."""


def problems() -> Middleware:
    """Make the middleware that turns whatever a handler raises into a response.

    Clients can repeat what fails at will, so only the first in a minute is logged, and how many there were.
    """
    failed, unexpected = LimitedLogger(log), LimitedLogger(log)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if (request.content_length or 0) > MAX_BODY_BYTES:
                raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, request.content_length or 0)
            return await handler(request)
        except LibvirtWebRTCError as error:
            problem = Problem.of(error)
            if problem.status in _REFUSED:
                refused(request, problem.kind)
            if problem.status in (500, 502):
                failed.warning("%s %s: %s", request.method, request.rel_url.raw_path, problem.message)
            return _answer(request, problem)
        except web.HTTPException as error:
            return _from_http(request, error)
        except ConnectionError:
            # The client left before its response was complete; aiohttp cleans up.
            raise
        except Exception as error:
            where = (request.method, request.rel_url.raw_path)
            unexpected.warning("unexpected: %s %s", *where, exc_info=error)
            text = "an internal error; the server's log has the details"
            return _answer(request, Problem(500, "internal", text))

    return middleware


def _answer(request: web.Request, problem: Problem) -> web.Response:
    return problem_page(problem) if wants_page(request) else problem.response()


def _from_http(request: web.Request, error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals (no such path or method, body too large) like all others."""
    status = HTTPStatus(error.status)
    message = {
        HTTPStatus.NOT_FOUND: _nothing_at(request),
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible at {request.path}",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"a request's body has at most {MAX_BODY_BYTES} bytes",
    }.get(status, status.phrase)
    kind = "too_large" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else status.name.lower()
    response = _answer(request, Problem(error.status, kind, message))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _nothing_at(request: web.Request) -> str:
    nothing, folder = f"there is nothing at {request.path}", folder_of(request)
    if folder == "/" or request.path.startswith(folder):
        return nothing
    return (
        f"{nothing}. The portal's folder is {folder}; a reverse proxy in front of it passes on that one: in nginx, "
        f"location {folder} with a slash at the end of its proxy_pass"
    )
