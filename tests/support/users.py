"""Users who have signed in at a portal that runs as a process, whatever ways of signing in it offers."""

import signal
import time
from urllib.parse import urlsplit

from playwright._impl._api_structures import SetCookieParam
from playwright.async_api import Browser, Page

from libvirt_webrtc.config.load import state_dir
from libvirt_webrtc.portal.addresses import Arrival
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER, cookie_name
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S, hash_of
from libvirt_webrtc.portal.auth.session_store import SessionStore, StoredSession
from libvirt_webrtc.portal.auth.user import Method, User
from tests.support.portal import Portal

SIGN_IN = '[sign_in]\nmethods = ["token", "pam"]\n'
"""What the portal's settings need: sessions of a way of signing in that is off do not come back."""


def give_sessions(portal: Portal, *names: str) -> None:
    """Have users of these names signed in: their sessions come back as any do after a restart."""
    authority = portal.own.removeprefix("http://")
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
    cookie = f"{cookie_name(_arrival(portal.own))}=cookie-{name}"
    return {"Cookie": cookie, KEY_HEADER: f"key-{name}", "Origin": portal.own}


async def page_of(browser: Browser, portal: Portal, name: str) -> Page:
    """A tab of this user's browser, that shows the list."""
    context = await browser.new_context()
    arrival = _arrival(portal.url)
    cookie: SetCookieParam = {
        "name": cookie_name(arrival),
        "value": f"cookie-{name}",
        "domain": str(urlsplit(portal.url).hostname),
        "path": arrival.path,
        "secure": arrival.secure,
    }
    await context.add_cookies([cookie])
    key = "libvirt-webrtc.session-key" + ("" if arrival.path == "/" else f":{arrival.path}")
    await context.add_init_script(f"localStorage.setItem('{key}', 'key-{name}')")
    page = await context.new_page()
    await page.goto(portal.url)
    return page


def _arrival(url: str) -> Arrival:
    parts = urlsplit(url)
    return Arrival("", f"{parts.scheme}://{parts.netloc}", f"{parts.path}/")
