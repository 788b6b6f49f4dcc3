"""What API tokens and share links are good for right now, and the end of what they opened."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.sign_in import SIGN_IN_METHODS
from libvirt_webrtc.errors import LinkRefused, StateError
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.portal.audit import Audit
from libvirt_webrtc.portal.audit_events import LOCAL, LinkChanged, TokenChanged
from libvirt_webrtc.portal.auth.session import Session
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.issued.api_tokens import USE_STEP_S, ApiToken, ApiTokens
from libvirt_webrtc.portal.issued.followed import Followed
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.secret_text import TOKEN_PREFIX, is_whole, secret_hash
from libvirt_webrtc.portal.issued.share_links import ShareLink, ShareLinks, WhyNot

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""Pause between two looks at the files, in seconds: what is revoked by another process ends within that, and the end of
a session takes milliseconds. It costs two calls of ``stat`` each time, and no watch that could overflow.
"""


class IssuedSecrets:
    """All API tokens and share links.

    Attributes:
        share: what links may be made; where there may be none, those that there are open nothing.

    Args:
        folder: the state folder.
        config: what links may be made, and which ways of signing in are off. Who came by one of those, or has a link of
            somebody who did, has nothing any more.
        sessions: where those of them are that tokens and links opened.
        clocks: what time it is.
        audit: is told of tokens that others make, and of tokens and links that they take back, on the command line.
    """

    def __init__(
        self, folder: Path, config: Config, sessions: Sessions, clocks: Clocks, audit: Audit
    ) -> None:
        self.share = config.share
        self._off = set(SIGN_IN_METHODS) - set(config.sign_in.methods)
        self._tokens = ApiTokens(folder, clocks)
        self._links = ShareLinks(folder, clocks)
        self._known_tokens = Followed(self._tokens.file)
        self._known_links = Followed(self._links.file)
        self._sessions = sessions
        self._clocks = clocks
        self._audit = audit
        self._looking = asyncio.Lock()
        self._looked = False
        self._used: set[str] = set()
        self._revoking: set[str] = set()
        """IDs of links that a user takes back here, which whoever asked for it tells."""
        self._failing = LimitedLogger(log)

    async def look(self) -> None:
        """Read what others have changed, and end what is over."""
        async with self._looking:
            made, revoked = await self._known_tokens.refresh()
            _, links = await self._known_links.refresh()
            if self._looked:
                self._tell(made, revoked, links)
            self._looked = True
        await self._sessions.end_where(lambda session: not self.is_live(session.user))

    async def reload(self, config: Config) -> None:
        """Put other settings for links into force."""
        self.share = config.share
        await self.look()

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await self._note_used()
            await asyncio.sleep(LOOK_S)

    def is_live(self, user: User) -> bool:
        """Whether what this user came by, and all that it was made by, is neither off nor revoked nor over."""
        if user.method in self._off:
            return False
        if user.limit is None:
            return True
        known: Followed[ApiToken] | Followed[ShareLink] = self._known_tokens
        if user.method is Method.LINK:
            if not self.share.longest_s:
                return False
            known = self._known_links
        record = known.by_id.get(user.limit.id)
        if record is None or record.life.left(self._clocks) <= 0:
            return False
        return user.limit.owner is None or self.is_live(user.limit.owner)

    async def token_session(self, text: str) -> Session | None:
        """The session of all requests with this API token; None where it is none, or no more."""
        if not is_whole(text, TOKEN_PREFIX):
            return None
        hashed = secret_hash(text)
        if hashed not in self._known_tokens.by_hash and self._known_tokens.is_stale:
            await self.look()  # it may have been made a moment ago
        token = self._known_tokens.by_hash.get(hashed)
        if token is None or not self.is_live(token.user):
            return None
        if token.used is None or token.used <= self._clocks.time_of_day() - USE_STEP_S:
            self._used.add(token.id)
        return self._sessions.of_program(token.user, token.life.left(self._clocks))

    def seconds_left(self, link: ShareLink) -> float:
        """How long a link still lives."""
        return max(0.0, link.life.left(self._clocks))

    def links_of(self, uuid: str) -> list[ShareLink]:
        """The live links of a domain, the newest first."""
        found = [link for link in self._known_links.by_id.values() if link.domain == uuid]
        return [link for link in reversed(found) if self.is_live(link.user)]

    async def make_link(
        self, uuid: str, role: Role, seconds: float, owner: User, *, once: bool
    ) -> tuple[ShareLink, str]:
        """As :meth:`ShareLinks.create`."""
        made = await in_thread(partial(self._links.create, uuid, role, seconds, owner, once=once))
        await self.look()
        return made

    async def revoke_link(self, link: ShareLink) -> None:
        """Take a link back. What it opened has ended when this returns. Fine where it was gone already."""
        self._revoking.add(link.id)
        try:
            await in_thread(partial(self._links.revoke, link.id))
            await self.look()
        finally:
            self._revoking.discard(link.id)

    async def open_link(self, text: str, is_good: Callable[[ShareLink], bool]) -> ShareLink:
        """The link of a secret, which counts as used by this.

        Args:
            text: the secret.
            is_good: whether there is anything to see with it.

        Raises:
            LinkRefused: it opens nothing; the message says why.
            StateError: the links' file cannot be used.
        """
        hashed = secret_hash(text)
        if hashed not in self._known_links.by_hash and self._known_links.is_stale:
            await self.look()
        # Looked up here first: who guesses does not have the file read each time.
        link = self._known_links.by_hash.get(hashed)
        if link is None:
            raise LinkRefused(WhyNot.UNKNOWN)
        if not self.share.longest_s:
            raise LinkRefused(WhyNot.OFF)
        if not self.is_live(link.owner) or (self.is_live(link.user) and not is_good(link)):
            raise LinkRefused(WhyNot.NO_RIGHT)
        if (why := self._links.why_over(link)) is not None:
            raise LinkRefused(why)  # nor whoever has one that is over
        link = await in_thread(partial(self._links.open, text))
        await self.look()
        return link

    def _tell(
        self, made: Iterable[ApiToken], revoked: Iterable[ApiToken], links: Iterable[ShareLink]
    ) -> None:
        """Tell of tokens that were made and taken back, and of links that were taken back, on the command line."""
        for token in made:
            until = datetime.fromtimestamp(token.life.ends, UTC).isoformat(timespec="seconds")
            event = TokenChanged(
                change="made", token=token.id, role=token.role, domains=token.domains, until=until
            )
            self._audit.write(event, LOCAL)
        for token in revoked:
            # One that ended long ago is dropped by whoever writes the file next.
            if token.life.left(self._clocks) > 0:
                self._audit.write(TokenChanged(change="revoked", token=token.id), LOCAL)
        for link in links:
            if link.life.left(self._clocks) > 0 and link.id not in self._revoking:
                self._audit.write(LinkChanged(change="revoked", link=link.id, domain=link.domain), LOCAL)

    async def _note_used(self) -> None:
        if not self._used:
            return
        used, self._used = self._used, set()
        try:
            await in_thread(partial(self._tokens.note_used, used))
        except StateError as error:
            self._failing.warning("when tokens were used last is not kept: %s", error)
