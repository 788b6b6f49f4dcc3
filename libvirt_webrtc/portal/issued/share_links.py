"""Share links: one domain's console for whoever has the link, made by a user from the console's page or by the API."""

import secrets
from collections.abc import Iterable, Sequence
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
"""Of these a maker has half at most."""
MAX_OF_DOMAIN = 256
"""Live links of one domain: far more than people hand out, and what the page can still list."""
MAX_OF_MAKER = 64
"""Live links of one domain that one user made, so that others can make some, too."""
KEPT_S = 24 * 3600.0
"""How long a link that has ended is kept, so that whoever opens it is told that it has; less where there are many."""


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
            TooManyLinks: live ones, of this domain or of all, by this owner or by everybody.
        """
        text = new_secret(LINK_PREFIX)
        with self.file.changing() as links:
            alive = [link for link in links if link.life.left(self._clocks) > 0]
            _check_room(alive, domain, owner)
            links[:] = self._with_room(links)
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
                if (why := self.why_over(link)) is not None:
                    raise LinkRefused(why)
                if link.opened is None:
                    links[place] = msgspec.structs.replace(link, opened=self._clocks.time_of_day())
                return link
        raise LinkRefused(WhyNot.UNKNOWN)

    def why_over(self, link: ShareLink) -> WhyNot | None:
        """Why a link opens nothing for good; None where it is not over."""
        if link.life.left(self._clocks) <= 0:
            return WhyNot.ENDED
        if link.once and link.opened is not None:
            return WhyNot.USED
        return None

    def revoke(self, which: str) -> bool:
        """Take back the link of this ID; False where there is none."""
        with self.file.changing() as links:
            kept = [link for link in links if link.id != which]
            gone = len(kept) < len(links)
            links[:] = kept
        return gone

    def _with_room(self, links: Iterable[ShareLink]) -> list[ShareLink]:
        """Without those that ended long ago, and with room for one more: those that ended first go."""
        kept = [link for link in links if link.life.left(self._clocks) > -KEPT_S]
        surplus = max(0, len(kept) - MAX_LINKS + 1)
        for link in sorted(kept, key=lambda one: one.life.left(self._clocks))[:surplus]:
            kept.remove(link)
        return kept


def _check_room(alive: Sequence[ShareLink], domain: str, owner: User) -> None:
    """Raise TooManyLinks where one more would be too many."""
    theirs = [link for link in alive if link.owner.responsible == owner.responsible]
    here = sum(link.domain == domain for link in theirs)
    if here >= MAX_OF_MAKER:
        raise TooManyLinks(f"you made {here} links to this guest that have not ended: revoke some first")
    if len(theirs) >= MAX_LINKS // 2:
        raise TooManyLinks(f"you made {len(theirs)} links that have not ended: revoke some first")
    if len(alive) >= MAX_LINKS or sum(link.domain == domain for link in alive) >= MAX_OF_DOMAIN:
        raise TooManyLinks("there are too many links: others have to revoke some first, or the guest's admin")


def _new_id(links: Iterable[ShareLink]) -> str:
    taken = {link.id for link in links}
    while (new := secrets.token_hex(4)) in taken:
        pass
    return new
