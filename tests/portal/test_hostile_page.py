"""A hostile web page, the first attacker of docs/security.md: what it can do with the browser of somebody signed in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.routes.rights import ROUTES
from tests.portal.fakes import TOKEN, UUID, FakeAgent, Served, Viewer, refusal
from tests.support.browsers import in_both_browsers

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PATHS = ["/", "/login", "/share", f"/console/{UUID}", "/static/core/session.js", "/api/domains", "/nowhere"]
CHANGES = sorted(asked for asked in ROUTES if asked[0] != "GET")
"""Every route that may change something."""
FOREIGN = (None, "null", "https://evil.example", "http://127.0.0.1", "http://127.0.0.1:1")
"""Origins of other pages; of a page in the clear, on the portal's host, too."""
OWN_MODULE = "/static/app/list.js"
"""What the list's page loads, wherever it is shown."""

ATTACK = r"""async ({ portal, uuid }) => {
  const domain = `${portal}/api/domains/${uuid}`;
  const got = {};
  await new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.onload = frame.onerror = resolve;
    setTimeout(resolve, 3000);
    frame.src = `${portal}/`;
    document.body.append(frame);
  });
  const attempt = async (name, url, options = {}) => {
    try {
      const response = await fetch(url, { credentials: "include", ...options });
      got[name] = response.type === "opaque" ? "" : await response.text();
    } catch {
      got[name] = "";
    }
  };
  const blindly = (body) => ({ method: "POST", mode: "no-cors", body });
  await attempt("read the list", `${portal}/api/domains`);
  await attempt("with a key", `${portal}/api/domains`, { headers: { "Session-Key": "guess" } });
  await attempt("read a page", `${portal}/`);
  await attempt("offer", `${domain}/consoles/0/whep`, blindly("v=0\r\n"));
  await attempt("act", `${domain}/actions/attach`, blindly(""));
  await attempt("make a link", `${domain}/links`, blindly('{"role": "control"}'));
  await attempt("sign in as another", `${portal}/api/session`, blindly('{"token": "guess"}'));
  await attempt("sign out", `${portal}/api/session`, { method: "DELETE" });
  got["open a stream"] = await new Promise((resolve) => {
    const socket = new WebSocket(`${domain.replace("http", "ws")}/consoles/0/stream`, ["libvirt-webrtc.stream"]);
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("");
  });
  got["follow the list"] = await new Promise((resolve) => {
    const events = new EventSource(`${portal}/api/events`, { withCredentials: true });
    events.onmessage = ({ data }) => resolve(data);
    events.onerror = () => resolve("");
  });
  got["run a module as a script"] = await new Promise((resolve) => {
    const script = document.createElement("script");
    script.onload = () => resolve("loaded");
    script.onerror = () => resolve("");
    script.src = `${portal}/static/core/session.js`;
    document.body.append(script);
  });
  return got;
}"""
"""What it gets by each way; empty where that is nothing."""


@pytest.mark.parametrize("path", PATHS)
async def test_browsers_are_told_to_load_nothing_foreign_and_to_show_us_in_no_frame(
    signed_in: Viewer, path: str
) -> None:
    async with signed_in.get(path) as response:
        assert response.headers["Content-Security-Policy"] == POLICY
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(("method", "route"), CHANGES)
async def test_no_other_page_changes_anything_by_any_route(
    signed_in: Viewer, agent: FakeAgent, method: str, route: str
) -> None:
    path = route.replace("{uuid}", UUID).replace("{console}", "0").replace("{viewer}", "viewer1")
    path = path.replace("{action}", "attach").replace("{link}", "0123abcd")
    for origin in FOREIGN:
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        async with signed_in.request(method, path, headers, data=b"{}") as response:
            assert await refusal(response) == (403, "wrong_origin"), origin
    assert not (agent.offers or agent.actions or agent.viewers)
    async with signed_in.get("/api/domains") as response:
        assert response.status == 200


class HostileSite:
    """On another port of the portal's host: browsers take that for the same site, and send it the portal's cookie."""

    def __init__(self) -> None:
        self.url = ""
        self.cookies: set[str] = set()

    async def page(self, request: web.Request) -> web.Response:
        self.cookies.add(request.headers.get("Cookie", ""))
        return web.Response(text="<!doctype html><title>Kittens</title><body>", content_type="text/html")


@pytest.fixture
async def hostile() -> AsyncIterator[HostileSite]:
    site, app = HostileSite(), web.Application()
    app.router.add_get("/", site.page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield site
    await runner.cleanup()


@pytest.fixture
async def portal(agent: FakeAgent, issued_folder: Path) -> AsyncIterator[Served]:
    """A portal with the real pages."""
    app = create_app(agent, Config(), TOKEN, issued_folder=issued_folder)
    async with Served(app, ConnectionLimits()) as served:
        yield served


async def shows_the_list(page: Page) -> None:
    await expect(page.locator(".domain h2")).to_have_text(["demo"], timeout=30_000)


@pytest.mark.browser
@in_both_browsers
async def test_a_hostile_page_reads_nothing_changes_nothing_and_has_only_the_cookie(
    browser: Browser, portal: Served, hostile: HostileSite, agent: FakeAgent
) -> None:
    address = f"http://127.0.0.1:{portal.port}"
    context = await browser.new_context()
    own = await context.new_page()
    await own.goto(f"{address}/login")
    await own.locator("#token").fill(TOKEN)
    await own.locator("#token").press("Enter")
    await shows_the_list(own)

    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(hostile.url)
    got = await page.evaluate(ATTACK, {"portal": address, "uuid": UUID})
    assert got == dict.fromkeys(got, "")
    assert f"{address}/" in asked and f"{address}{OWN_MODULE}" not in asked  # nothing ran in the frame
    assert not (agent.offers or agent.actions or agent.streams or agent.viewers)
    await own.reload()
    await shows_the_list(own)

    # Another program's server has the cookie now, since a port is no part of a site. It opens nothing.
    (cookie,) = hostile.cookies
    assert cookie.startswith(f"libvirt-webrtc-{portal.port}=")
    async with Viewer(portal) as thief:
        thief.headers = {"Cookie": cookie, "Origin": address}
        async with thief.get("/api/domains") as response:
            assert await refusal(response) == (401, "not_signed_in")
        async with thief.offer() as response:
            assert await refusal(response) == (401, "not_signed_in")
