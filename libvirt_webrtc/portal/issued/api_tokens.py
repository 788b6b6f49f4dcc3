"""API tokens: made by the operator on the command line, for programs."""

import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.auth.user import Limit, Method, User
from libvirt_webrtc.portal.issued.lifetime import Clocks, Lifetime
from libvirt_webrtc.portal.issued.record_file import RecordFile
from libvirt_webrtc.portal.issued.secret_text import TOKEN_PREFIX, new_secret, secret_hash

FILE_NAME = "api-tokens.json"

DAY_S = 24 * 3600.0
MAX_DAYS = 3650
"""The longest that a token lives: ten years."""
MAX_TOKENS = 1000
KEPT_S = 7 * DAY_S
"""How long a token that has ended is still listed, so that somebody who wonders can see why."""
USE_STEP_S = 3600.0
"""How coarsely it is kept when a token was last used: one write of the file an hour at most, for each token."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_ID = re.compile(r"[0-9a-f]{8}")


class ApiToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of one token."""

    id: str
    name: str
    hash: str
    role: str
    domains: tuple[str, ...]
    """Patterns of names, or UUIDs."""
    life: Lifetime
    used: float | None = None
    """Unix time, to the hour before; None: never."""

    def __post_init__(self) -> None:
        Role.parse(self.role)

    @property
    def user(self) -> User:
        """Whoever has it."""
        return User(self.name, Method.API_TOKEN, limit=Limit(Role.parse(self.role), self.domains, id=self.id))


class ApiTokens:
    """All of them, in a file of the state folder. Everything here blocks, briefly.

    Each method raises StateError where the file cannot be used or written.
    """

    def __init__(self, folder: Path, clocks: Clocks) -> None:
        self.file = RecordFile(folder / FILE_NAME, ApiToken)
        self._clocks = clocks

    def create(self, name: str, role: Role, domains: Sequence[str], days: float) -> tuple[ApiToken, str]:
        """A new token: what is kept of it, and its text, which is kept nowhere.

        Raises:
            ConfigError: the name, the domains or the time cannot be used, or a live token has that name.
        """
        _check(name, domains, days)
        text = new_secret(TOKEN_PREFIX)
        with self.file.changing() as tokens:
            tokens[:] = self._without_old(tokens, name)
            if any(token.name == name for token in tokens):
                raise ConfigError(f"there is a token named {name!r}: revoke it first, or take another name")
            if len(tokens) >= MAX_TOKENS:
                raise ConfigError(f"there are {len(tokens)} tokens, which is the limit: revoke some first")
            life = Lifetime.of(days * DAY_S, self._clocks)
            made = ApiToken(_new_id(tokens), name, secret_hash(text), str(role), tuple(domains), life)
            tokens.append(made)
        return made, text

    def revoke(self, which: str) -> ApiToken:
        """Take back the token of this name or ID. Raises ConfigError where there is none."""
        with self.file.changing() as tokens:
            for token in tokens:
                if which in (token.name, token.id):
                    tokens.remove(token)
                    return token
        raise ConfigError(f"there is no token {which!r}: 'libvirt-webrtc token list' shows those there are")

    def note_used(self, ids: Iterable[str]) -> None:
        """Keep that these were used within the last hour."""
        hour = self._clocks.time_of_day() // USE_STEP_S * USE_STEP_S
        wanted = set(ids)
        with self.file.changing() as tokens:
            for place, token in enumerate(tokens):
                if token.id in wanted:
                    tokens[place] = msgspec.structs.replace(token, used=hour)

    def _without_old(self, tokens: Iterable[ApiToken], name: str) -> list[ApiToken]:
        """Those that live, and those that ended not long ago, but for one of ``name``."""
        lefts = [(token, token.life.left(self._clocks)) for token in tokens]
        return [token for token, left in lefts if left > 0 or (left > -KEPT_S and token.name != name)]


def _check(name: str, domains: Sequence[str], days: float) -> None:
    if _NAME.fullmatch(name) is None or _ID.fullmatch(name) is not None:
        raise ConfigError(
            f"{name!r} cannot be a token's name: write up to 64 letters, digits and any of . _ @ - (a letter or digit "
            "first), and not eight hexadecimal digits, which would be an ID"
        )
    if not domains or not all(domains):
        raise ConfigError("name the domains, such as --domain 'web-*'; --domain '*' is all of them")
    if not 0 < days <= MAX_DAYS:
        raise ConfigError(f"--days {days:g}: write more than 0, and {MAX_DAYS} at most")


def _new_id(tokens: Iterable[ApiToken]) -> str:
    taken = {token.id for token in tokens}
    while (new := secrets.token_hex(4)) in taken:
        pass
    return new
