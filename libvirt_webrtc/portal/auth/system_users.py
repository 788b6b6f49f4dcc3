"""Signing in as a user of the system: the password by PAM, and the second factor."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from aiohttp import web

from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.config.sign_in import PamConfig
from libvirt_webrtc.errors import ConfigError, PamUnavailable
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.pam.client import ask_helper
from libvirt_webrtc.pam.protocol import Question, Verdict
from libvirt_webrtc.portal.addresses import client_of, remote_of
from libvirt_webrtc.portal.auth.failures import Failures
from libvirt_webrtc.portal.auth.session import Clock
from libvirt_webrtc.portal.auth.throttle import Throttle
from libvirt_webrtc.portal.auth.totp import TotpFile
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.problems import BUSY_RETRY_S, Problem

log = logging.getLogger(__name__)

MAX_OF_CLIENT = 4
"""Passwords that may be checked at the same time for one client, of all users who have not signed in there yet: a wrong
one takes PAM two seconds."""
MAX_OF_STRANGERS = 12
"""The same for all clients. The helper checks 16: the others are for those who have signed in before, so that nobody
without a password keeps them out."""
MAX_OF_KNOWN = 2
"""The same for one user at a client where that user has signed in."""

WRONG_PASSWORD = "the user name or the password is not right"
EVERYBODY = ""
"""Wrong codes count for a user, wherever they come from: there are only a million."""


class SystemUsers:
    """Checks who signs in by user name and password.

    Args:
        config: where the helper is, and who needs a second factor.
        totp: the second factors.
        throttle: what slows wrong guesses down.
        clock: seconds that never jump.
        wall_clock: seconds since 1970, which codes go by.
    """

    def __init__(
        self,
        config: PamConfig,
        totp: TotpFile,
        throttle: Throttle,
        clock: Clock = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._totp = totp
        self._throttle = throttle
        self._wall_clock = wall_clock
        self._wrong_codes = Failures(clock)
        self._checking: Counter[tuple[str, str]] = Counter()
        """By client, and user where that one has signed in there before; of the others the user is empty."""
        self._broken = LimitedLogger(log)

    async def sign_in(self, request: web.Request, name: str, password: str, code: str | None) -> User:
        """Who it is, with the groups that the system has for it now. Takes as long as PAM does, 37 s at most.

        Raises:
            Problem: the password or the code is not right, or is missing, or cannot be checked now.
        """
        async with self._throttle.turn(request, name):
            user = await self._by_password(request, name, password)
            await self._check_code(request, name, user.name, code)
        self._throttle.succeeded(request, name)
        return user

    async def _by_password(self, request: web.Request, name: str, password: str) -> User:
        if not Question(name, password).can_be_right():
            # Not every such text could even be sent to the helper.
            raise await self._throttle.refuse(request, name, WRONG_PASSWORD, "wrong_password")
        try:
            with self._place(request, name):
                answer = await ask_helper(self._config.socket, name, password)
        except PamUnavailable as error:
            self._broken.warning("system users cannot sign in: %s", error)
            text = "the server cannot check passwords now; its log says why"
            raise Problem(503, "pam_unavailable", text, retry_after_s=BUSY_RETRY_S) from error
        match answer.verdict:
            case Verdict.YES:
                return User(answer.name, Method.PAM, frozenset(answer.groups))
            case Verdict.NO:
                raise await self._throttle.refuse(request, name, WRONG_PASSWORD, "wrong_password")
            case Verdict.NO_ACCESS:
                raise Problem(
                    403, "no_access", "the password is right, but this account is expired or closed"
                )
            case Verdict.CHANGE_PASSWORD:
                text = "the password has to be changed: log in to the host itself, or ask its operator"
                raise Problem(403, "change_password", text)
            case Verdict.BUSY:
                raise _busy()
            case Verdict.FAILED:
                text = "the server cannot check passwords now; the log of its PAM helper says why"
                raise Problem(503, "pam_unavailable", text, retry_after_s=BUSY_RETRY_S)

    @contextmanager
    def _place(self, request: web.Request, name: str) -> Iterator[None]:
        """Have a password checked inside of this. Raises Problem where too many are."""
        client = client_of(remote_of(request))
        known = self._throttle.knows(request, name)
        place, most = ((client, name), MAX_OF_KNOWN) if known else ((client, ""), MAX_OF_CLIENT)
        if self._checking[place] >= most:
            text = "too many passwords from your address are being checked; try again in a second"
            raise Problem(429, "too_many_attempts", text, retry_after_s=BUSY_RETRY_S)
        strangers = sum(count for (_, user), count in self._checking.items() if not user)
        if not known and strangers >= MAX_OF_STRANGERS:
            raise _busy()
        self._checking[place] += 1
        try:
            yield
        finally:
            self._checking[place] -= 1
            self._checking += Counter()  # forget those at 0

    async def _check_code(self, request: web.Request, name: str, user: str, code: str | None) -> None:
        """The password was right. ``user`` is the system's spelling of ``name``."""
        try:
            if not await in_thread(partial(self._totp.has, user)):
                if self._config.second_factor == "required":
                    text = f"a second factor is needed, and {user} has none: the host's operator gives one"
                    raise Problem(403, "second_factor_missing", text)
                return
            if code is None:
                raise Problem(401, "code_needed", "enter the code that your authenticator app shows now")
            if (wait := self._wrong_codes.wait_s(EVERYBODY, user)) > 0:
                text = f"too many wrong codes for {user}; try again in {math.ceil(wait / 60)} min"
                raise Problem(429, "too_many_codes", text, retry_after_s=math.ceil(wait))
            # Counted before it is looked at: many at the same time are no more tries.
            self._wrong_codes.note(EVERYBODY, user)
            if not await in_thread(partial(self._totp.use, user, code, self._wall_clock())):
                text = "that code is not right, or was used before: wait for the next one"
                raise await self._throttle.refuse(request, name, text, "wrong_code")
            self._wrong_codes.forgive(EVERYBODY, user)
        except ConfigError as error:
            self._broken.warning("system users cannot sign in: %s", error)
            text = "the server cannot check second factors now; its log says why"
            raise Problem(503, "pam_unavailable", text, retry_after_s=BUSY_RETRY_S) from error


def _busy() -> Problem:
    text = "too many passwords are being checked; try again in a few seconds"
    return Problem(503, "pam_busy", text, retry_after_s=BUSY_RETRY_S)
