"""The audit log: who did what, from where, and what came of it, a JSON object a line.

Routes call :func:`signing_in`, :func:`signed_in` and :func:`record`; refusals come by themselves, from whatever makes
an error an answer.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from libvirt_webrtc.config.audit import AuditConfig
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.addresses import client_of, remote_of
from libvirt_webrtc.portal.audit_events import Actor, AuditEvent, Refusal, SignIn
from libvirt_webrtc.portal.audit_file import AuditFile

logger = logging.getLogger("libvirt_webrtc.audit")
"""Where lines go without a file."""

MAX_TEXT = 256
"""Characters of each text in a line: users choose some of them."""

PERIOD_S = 60.0
MAX_REFUSED = 30
"""Refusals of one client in a period that are told; a page whose session is over makes some."""
MAX_REFUSED_OF_ALL = 300
"""Of all clients together: at some 250 bytes a line, a flood from everywhere writes 100 MB a day at most."""


class Audit:
    """Writes events down.

    Args:
        config: where to.
        clock: seconds since 1970, for the lines' times.
        monotonic: seconds that never jump, for what bounds refusals.

    Raises:
        ConfigError: the file cannot be opened.
    """

    def __init__(
        self,
        config: AuditConfig | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = _open(config or AuditConfig())
        self._clock = clock
        self._refusals = RefusalBudget(monotonic)

    def write(self, event: AuditEvent, actor: Actor) -> None:
        """Add one line. Refusals beyond what is told of one client, or of all, are only counted."""
        left_out = 0
        if isinstance(event, Refusal) or (isinstance(event, SignIn) and event.outcome == "refused"):
            if not self._refusals.allow(client_of(actor.address)):
                return
            left_out = self._refusals.take_left_out()
        now = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = msgspec.to_builtins(event)
        line = {"time": now, "event": fields.pop("event"), **msgspec.to_builtins(actor), **fields}
        if left_out:
            line["refusals_left_out"] = left_out
        # ASCII only: what users chose can neither break a line nor command the terminal of who reads it.
        text = json.dumps({key: _short(value) for key, value in line.items() if value is not None})
        if self._file is None:
            logger.info("%s", text)
        else:
            self._file.write(text)

    async def reload(self, config: Config) -> None:
        """Open the file anew: it was rotated, or is another now. Raises ConfigError, and goes on with the old one."""
        file = _open(config.audit)
        self.close()
        self._file = file

    def close(self) -> None:
        """Close the file. Idempotent."""
        if self._file is not None:
            self._file.close()


class RefusalBudget:
    """Bounds how many refusals are told: everybody can be refused as often as they like."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._told: dict[str, int] = {}
        self._left_out = 0

    def allow(self, client: str) -> bool:
        """Whether one more of this client is told."""
        if self._monotonic() - self._began >= PERIOD_S:
            self._began = self._monotonic()
            self._told.clear()
        told = self._told.get(client, 0)
        if told >= MAX_REFUSED or sum(self._told.values()) >= MAX_REFUSED_OF_ALL:
            self._left_out += 1
            return False
        self._told[client] = told + 1
        return True

    def take_left_out(self) -> int:
        """How many were not told since this was asked last."""
        left_out, self._left_out = self._left_out, 0
        return left_out


AUDIT = web.AppKey("audit", Audit)
_ACTOR = web.RequestKey("actor", Actor)
_SIGNING_IN = web.RequestKey("signing_in", bool)


def identify(request: web.Request, user: str, method: str, session: str | None = None) -> None:
    """Note whose request it is. ``session`` is its public id."""
    request[_ACTOR] = Actor(remote_of(request), user, method, session)


def signing_in(request: web.Request, user: str | None, method: str) -> None:
    """Note who somebody says to be that signs in, before that is checked: a refusal then tells who was tried."""
    request[_ACTOR] = Actor(remote_of(request), user, method)
    request[_SIGNING_IN] = True


def signed_in(request: web.Request, user: str, method: str, session: str) -> None:
    """Tell that somebody has signed in. ``session`` is the public id of the new session."""
    identify(request, user, method, session)
    record(request, SignIn(outcome="ok"))


def actor_of(request: web.Request) -> Actor:
    """Who a request is from, as far as that is known."""
    return request.get(_ACTOR) or Actor(remote_of(request))


def record(request: web.Request, event: AuditEvent) -> None:
    """Tell what the user of this request did."""
    request.app[AUDIT].write(event, actor_of(request))


def refused(request: web.Request, reason: str) -> None:
    """Tell that a request is refused."""
    if request.get(_SIGNING_IN):
        record(request, SignIn(outcome="refused", reason=reason))
        return
    # The route, not the path: a path may hold a viewer's name, which is what its page proves itself with.
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "no route"
    domain = request.match_info.get("uuid")
    record(request, Refusal(reason=reason, request=f"{request.method} {route}", domain=domain))


def _open(config: AuditConfig) -> AuditFile | None:
    return AuditFile.open(config.file) if config.file is not None else None


def _short(value: Any) -> Any:
    return value[: MAX_TEXT - 1] + "…" if isinstance(value, str) and len(value) > MAX_TEXT else value
