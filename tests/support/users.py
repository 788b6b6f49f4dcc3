"""Users who have signed in at a portal that runs as a process, whatever ways of signing in it offers."""

import signal
import time

from playwright.async_api import Browser, Page

from libvirt_webrtc.config.load import state_dir
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER, NAME
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S, hash_of
from libvirt_webrtc.portal.auth.session_store import SessionStore, StoredSession
from libvirt_webrtc.portal.auth.user import Method, User
from tests.support.portal import Portal

SIGN_IN = '[sign_in]\nmethods = ["token", "pam"]\n'
"""What the portal's settings need: sessions of a way of signing in that is off do not come back."""


def give_sessions(portal: Portal, *names: str) -> None:
    """Have users of these names signed in: their sessions come back as any do after a restart."""
    authority = portal.url.removeprefix("http://")
    now = time.monotonic()
    store = SessionStore(state_dir() / "sessions" / f"{authority}.json", portal.token)
    store.save(
        StoredSession(
            hash_of(f"cookie-{name}"),
            hash_of(f"key-{name}"),
            now,
            now,
            f"id-{name}",
            User(name, Method.PAM),
            now + ABSOLUTE_S,
        )
        for name in names
    )
    # A portal that ends well would save its own.
    portal.restart(signal.SIGKILL)


def headers_of(portal: Portal, name: str) -> dict[str, str]:
    """What a program sends to be the user of this name."""
    cookie = f"{_cookie_name(portal)}=cookie-{name}"
    return {"Cookie": cookie, KEY_HEADER: f"key-{name}", "Origin": portal.url}


async def page_of(browser: Browser, portal: Portal, name: str) -> Page:
    """A tab of this user's browser, that shows the list."""
    context = await browser.new_context()
    cookie = {"name": _cookie_name(portal), "value": f"cookie-{name}", "url": portal.url}
    await context.add_cookies([cookie])  # type: ignore[list-item]
    await context.add_init_script(f"localStorage.setItem('libvirt-webrtc.session-key', 'key-{name}')")
    page = await context.new_page()
    await page.goto(portal.url)
    return page


def _cookie_name(portal: Portal) -> str:
    return f"{NAME}-{portal.url.rpartition(':')[2]}"
