"""A portal whose users have signed in already, and whose rules a test changes as an operator does."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S, hash_of
from libvirt_webrtc.portal.auth.session_store import SessionStore, StoredSession
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.reload import Reload
from libvirt_webrtc.portal.web_files import WebFiles
from tests.portal.fakes import TOKEN, FakeAgent, Served, Viewer

ROLES: tuple[Role | None, ...] = (None, *Role)
"""That somebody may have for a domain; None: none."""


def rule(role: Role, *users: str, domains: Sequence[str] = ("*",)) -> AccessRule:
    return AccessRule(role, users=users, domains=tuple(domains))


class People:
    """Everybody who is signed in, and the rules."""

    def __init__(self, stack: AsyncExitStack, config: Config) -> None:
        self.config = config
        self.reload = Reload(config, lambda: self.config)
        self._stack = stack
        self.served: Served

    async def viewer(self, name: str) -> Viewer:
        """The browser of the signed-in user of this name."""
        viewer = await self._stack.enter_async_context(Viewer(self.served))
        cookie = f"{viewer.cookie_name}=cookie-{name}"
        viewer.headers = {"Cookie": cookie, KEY_HEADER: f"key-{name}", "Origin": viewer.origin}
        return viewer

    async def stranger(self) -> Viewer:
        """Somebody who is not signed in."""
        return await self._stack.enter_async_context(Viewer(self.served))

    async def change(self, *rules: AccessRule) -> None:
        """As writing other rules into the file, and SIGHUP."""
        self.config = replace(self.config, access=rules)
        await self.reload.again()


@asynccontextmanager
async def people_at(
    folder: Path, web_folder: Path, agent: FakeAgent, users: Sequence[User | str], *rules: AccessRule
) -> AsyncIterator[People]:
    """A portal with these rules, at which ``users`` (their names, where nothing else matters) have signed in.

    They come by the file of sessions, which is how every session comes after a restart.
    """
    store = SessionStore(folder / "sessions" / "portal.json", TOKEN)
    store.save(_session(user if isinstance(user, User) else User(user, Method.PAM)) for user in users)
    async with AsyncExitStack() as stack:
        people = People(stack, Config(access=rules, sign_in=SignInConfig(("token", "pam"))))
        app = create_app(
            agent,
            people.config,
            TOKEN,
            reload=people.reload,
            web_files=WebFiles.load(web_folder),
            store=store,
        )
        people.served = await stack.enter_async_context(Served(app, ConnectionLimits()))
        yield people


def _session(user: User) -> StoredSession:
    now = time.monotonic()
    cookie, key = hash_of(f"cookie-{user.name}"), hash_of(f"key-{user.name}")
    return StoredSession(cookie, key, now, now, f"id-{user.name}", user, now + ABSOLUTE_S)
