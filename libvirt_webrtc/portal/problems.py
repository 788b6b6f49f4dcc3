"""Errors as HTTP has them; no other module chooses a status for an error of the package."""

from aiohttp import web

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
    StateError,
    TooManyLinks,
    TooManyViewers,
    WorkerError,
)

MAX_BODY_BYTES = 64 * 1024
BUSY_RETRY_S = 1
"""``Retry-After``, in seconds, where the reason is likely to be over soon."""

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
    (TooManyLinks, 409, "too_many_links"),
    (StateError, 503, "state_unusable"),
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
