"""The pages and modules of web/ in Chromium, without a server: requests are answered here, from files."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route

WEB = Path(__file__).parents[2] / "web"
ORIGIN = "http://localhost"
"""Never connected to: every request is answered by `serve`."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
PAGES = {
    "/": "index.html",
    "/login": "login.html",
    "/login/oidc/callback": "signing-in.html",
    "/login/proxy/begin": "signing-in.html",
    "/blank": None,
}


async def serve(route: Route) -> None:
    """Answers as the portal does, as far as files are concerned."""
    path = route.request.url.removeprefix(ORIGIN).split("?")[0].split("#")[0]
    name = "console.html" if path.startswith("/console/") else PAGES.get(path, path.removeprefix("/static/"))
    if path == "/api/sign-in":
        await route.fulfill(json={"methods": [{"method": "token", "text": "It is printed."}]})
    elif name is None:
        await route.fulfill(content_type="text/html", body="<!doctype html><title>blank</title><body>")
    elif (file := WEB / name).is_file():
        await route.fulfill(
            content_type=TYPES[file.suffix], body=file.read_bytes(), headers={"Content-Security-Policy": CSP}
        )
    else:
        await route.fulfill(status=404)


async def run(page: Page, module: str, body: str, argument: object = None) -> Any:
    """The result of `body`, an async function's, with the exports of web/`module` as `m` and `argument` as `a`."""
    return await page.evaluate(
        f"async (a) => {{ const m = await import('/static/{module}'); {body} }}",
        argument,
    )
