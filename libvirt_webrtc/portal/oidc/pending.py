"""Sign-ins on their way through the provider: what a browser keeps of them, and that each counts once."""

import hmac
import secrets
import time

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from libvirt_webrtc.errors import SignInRefused
from libvirt_webrtc.portal.auth.session import Clock

PENDING_S = 600
"""How long somebody may take at the provider."""

MAX_USED = 4096
"""Sign-ins that are remembered as having counted. Beyond it the oldest is forgotten, and only the provider is left,
which takes no code twice."""

MAX_NEXT = 2048
"""Characters of the address to go to afterwards; a longer one is left out."""

LOST = "this sign-in took too long, began in another tab or window, or was used already: sign in again"


class PendingLogin(msgspec.Struct, frozen=True):
    """What has to be known when a browser comes back."""

    redirect_uri: str
    """To where the provider sends it."""
    next: str
    """Where its user wants to go then; written by anybody."""
    state: str
    """Proves that the browser that comes back is the one that went (RFC 6749, section 10.12)."""
    nonce: str
    """Proves that the ID token was made for this sign-in."""
    verifier: str
    """Proves to the provider that the code was meant for us (RFC 7636)."""


class PendingLogins:
    """Makes them, and takes them back from a cookie.

    They are in the browsers' cookies, encrypted, and not in a table here: strangers could fill that, and push out who
    is at the provider just now. The key is this process's, so a sign-in does not outlive it.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._fernet = Fernet(Fernet.generate_key())
        self._used: dict[str, None] = {}

    def begin(self, redirect_uri: str, next_path: str) -> tuple[PendingLogin, str]:
        """A new sign-in, and the cookie's value for it."""
        kept = next_path if len(next_path) <= MAX_NEXT else ""
        pending = PendingLogin(redirect_uri, kept, *(secrets.token_urlsafe(32) for _ in range(3)))
        content = msgspec.msgpack.encode(pending)
        return pending, self._fernet.encrypt_at_time(content, int(self._clock())).decode()

    def finish(self, cookie: str, state: str) -> PendingLogin:
        """The sign-in of a browser that comes back with ``state``. It counts from now on as used.

        Raises:
            SignInRefused: there is none, or not this one, or it is over.
        """
        try:
            content = self._fernet.decrypt_at_time(cookie, PENDING_S, int(self._clock()))
        except (InvalidToken, ValueError) as error:
            raise SignInRefused(LOST) from error
        pending = msgspec.msgpack.decode(content, type=PendingLogin)
        if not hmac.compare_digest(pending.state.encode(), state.encode("utf-8", "surrogatepass")):
            raise SignInRefused(LOST)
        if pending.state in self._used:
            raise SignInRefused(LOST)
        self._used[pending.state] = None
        if len(self._used) > MAX_USED:
            del self._used[next(iter(self._used))]
        return pending
