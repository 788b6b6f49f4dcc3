"""Turns errors into HTTP responses; no other module chooses a status for an error of the package."""

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from libvirt_webrtc.errors import (
    CannotAttach,
    ConsoleStarting,
    GatheringError,
    HypervisorError,
    HypervisorUnavailable,
    LibvirtWebRTCError,
    NegotiationError,
    NoConsole,
    NoPortLeft,
    NoSuchDomain,
    ProviderUnavailable,
    SignInRefused,
    TooManyViewers,
    WorkerError,
)
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.portal.audit import refused

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
BUSY_RETRY_S = 1
"""``Retry-After``, in seconds, where the reason is likely to be over soon."""

_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
"""The statuses of refusals, of which the audit log tells."""

# The first match counts, so subclasses come before their base.
_STATUS: tuple[tuple[type[LibvirtWebRTCError], int, str], ...] = (
    (NoPortLeft, 503, "no_port_left"),
    (GatheringError, 504, "no_candidates"),
    (NegotiationError, 400, "bad_offer"),
    (NoSuchDomain, 404, "no_such_domain"),
    (CannotAttach, 409, "cannot_attach"),
    (NoConsole, 409, "no_console"),
    (TooManyViewers, 503, "too_many_viewers"),
    (ConsoleStarting, 503, "console_starting"),
    (HypervisorUnavailable, 503, "libvirt_unavailable"),
    (HypervisorError, 502, "libvirt_failed"),
    (WorkerError, 502, "worker_failed"),
    (SignInRefused, 403, "sign_in_refused"),
    (ProviderUnavailable, 502, "provider_unavailable"),
)


class Problem(LibvirtWebRTCError):
    """A request is refused. ``kind`` is the response's ``error`` field, for programs; the message is for people."""

    def __init__(self, status: int, kind: str, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.retry_after_s = retry_after_s

    @classmethod
    def of(cls, error: LibvirtWebRTCError) -> "Problem":
        """The response for an error of the package."""
        if isinstance(error, Problem):
            return error
        for base, status, kind in _STATUS:
            if isinstance(error, base):
                message = str(error) or kind
                return cls(status, kind, message, retry_after_s=BUSY_RETRY_S if status == 503 else None)
        return cls(500, "failed", str(error) or type(error).__name__)

    def response(self) -> web.Response:
        """``{"error": ..., "message": ...}`` with the status and its headers."""
        response = web.json_response({"error": self.kind, "message": self.message}, status=self.status)
        if self.retry_after_s is not None:
            response.headers["Retry-After"] = str(self.retry_after_s)
        if self.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


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
            return problem.response()
        except web.HTTPException as error:
            return _from_http(request, error)
        except ConnectionError:
            # The client left before its response was complete; aiohttp cleans up.
            raise
        except Exception as error:
            where = (request.method, request.rel_url.raw_path)
            unexpected.warning("unexpected: %s %s", *where, exc_info=error)
            text = "an internal error; the server's log has the details"
            return Problem(500, "internal", text).response()

    return middleware


def _from_http(request: web.Request, error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals (no such path or method, body too large) as JSON like all others."""
    status = HTTPStatus(error.status)
    message = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.path}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible at {request.path}",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"a request's body has at most {MAX_BODY_BYTES} bytes",
    }.get(status, status.phrase)
    kind = "too_large" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else status.name.lower()
    response = Problem(error.status, kind, message).response()
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
