"""Share links: one domain's console for whoever has the link, made by a user from the console's page or by the API."""

import secrets
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import msgspec

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.errors import LinkRefused, TooManyLinks
from libvirt_webrtc.portal.auth.user import Limit, Method, User
from libvirt_webrtc.portal.issued.lifetime import Clocks, Lifetime
from libvirt_webrtc.portal.issued.record_file import RecordFile
from libvirt_webrtc.portal.issued.secret_text import LINK_PREFIX, new_secret, secret_hash

FILE_NAME = "share-links.json"

MAX_LINKS = 4096
MAX_OF_DOMAIN = 64
"""Live links of one domain: far more than people hand out, and what the page can still list."""
KEPT_S = 24 * 3600.0
"""How long a link that has ended is kept, so that whoever opens it is told that it has."""


class ShareLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of one link."""

    id: str
    hash: str
    domain: str
    """The UUID: another domain of the same name is not meant."""
    role: str
    once: bool
    """It opens one session only."""
    life: Lifetime
    owner: User
    """Who made it; it never gives more than that user has at the time."""
    opened: float | None = None
    """Unix time at which it was opened first; None: not yet."""

    def __post_init__(self) -> None:
        if Role.parse(self.role) > Role.CONTROL:
            raise ValueError(f"a link's role is view or control, and not {self.role!r}")

    @property
    def user(self) -> User:
        """Whoever opened it."""
        limit = Limit(Role.parse(self.role), (self.domain,), self.owner, self.id)
        return User(f"link {self.id}", Method.LINK, limit=limit)


class WhyNot(StrEnum):
    """Why a link opens nothing."""

    UNKNOWN = "It was revoked, or part of the address is missing."
    ENDED = "Its time is over."
    OFF = "The operator allows no links any more."
    NO_RIGHT = "Whoever made it has no right to this console any more, or the console is gone."
    USED = "It was for one use, and has been used."


class ShareLinks:
    """All of them, in a file of the state folder. Everything here blocks, briefly.

    Each method raises StateError where the file cannot be used or written.
    """

    def __init__(self, folder: Path, clocks: Clocks) -> None:
        self.file = RecordFile(folder / FILE_NAME, ShareLink)
        self._clocks = clocks

    def create(
        self, domain: str, role: Role, seconds: float, owner: User, *, once: bool
    ) -> tuple[ShareLink, str]:
        """A new link: what is kept of it, and its secret, which is kept nowhere.

        Raises:
            TooManyLinks: of this domain, or of all.
        """
        text = new_secret(LINK_PREFIX)
        with self.file.changing() as links:
            links[:] = [link for link in links if link.life.left(self._clocks) > -KEPT_S]
            alive = sum(link.domain == domain and link.life.left(self._clocks) > 0 for link in links)
            if alive >= MAX_OF_DOMAIN or len(links) >= MAX_LINKS:
                raise TooManyLinks("there are too many links: revoke some first")
            life = Lifetime.of(seconds, self._clocks)
            made = ShareLink(_new_id(links), secret_hash(text), domain, str(role), once, life, owner)
            links.append(made)
        return made, text

    def open(self, text: str) -> ShareLink:
        """The link of a secret; it counts as opened then. Raises LinkRefused where it opens nothing."""
        wanted = secret_hash(text)
        with self.file.changing() as links:
            for place, link in enumerate(links):
                if link.hash != wanted:
                    continue
                if link.life.left(self._clocks) <= 0:
                    raise LinkRefused(WhyNot.ENDED)
                if link.once and link.opened is not None:
                    raise LinkRefused(WhyNot.USED)
                if link.opened is None:
                    links[place] = msgspec.structs.replace(link, opened=self._clocks.time_of_day())
                return link
        raise LinkRefused(WhyNot.UNKNOWN)

    def revoke(self, which: str) -> bool:
        """Take back the link of this ID; False where there is none."""
        with self.file.changing() as links:
            kept = [link for link in links if link.id != which]
            gone = len(kept) < len(links)
            links[:] = kept
        return gone


def _new_id(links: Iterable[ShareLink]) -> str:
    taken = {link.id for link in links}
    while (new := secrets.token_hex(4)) in taken:
        pass
    return new
