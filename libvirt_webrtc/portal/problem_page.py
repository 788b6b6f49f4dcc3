"""A refusal as a page, for requests of pages: whoever opens one sees words, and not JSON."""

import base64
import hashlib
from html import escape

from aiohttp import web

from libvirt_webrtc.portal.headers import POLICY
from libvirt_webrtc.portal.misfits import Misfit
from libvirt_webrtc.portal.problems import Problem

# In the page: where the address does not fit, a style sheet could not be asked for.
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; padding: 10vh 24px 48px; background: Canvas; color: CanvasText }
main { max-width: 42rem; margin: auto }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem; margin: 1.5rem 0 }
dt { opacity: .7 }
dd { margin: 0; overflow-wrap: anywhere }
code { font: .92em/1.5 ui-monospace, monospace }
.write { display: block; margin: .5rem 0 0; padding: .75rem 1rem; border-radius: 8px;
  border: 1px solid color-mix(in srgb, CanvasText 25%, Canvas); overflow-wrap: anywhere }
"""

_POLICY = POLICY.replace(
    "style-src 'self'",
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
)
"""The same as everywhere but for the page's own style."""

_TITLES = {404: "There is nothing here", 403: "This cannot be opened"}


def wants_page(request: web.Request) -> bool:
    """Whether a browser asks for a document, and not a page's script for data."""
    return (
        request.method in ("GET", "HEAD")
        and "text/html" in request.headers.get("Accept", "")
        and request.headers.get("Sec-Fetch-Dest", "document") in ("document", "iframe")
    )


def problem_page(problem: Problem) -> web.Response:
    """The refusal's status and headers, with a page as its body."""
    if isinstance(problem, Misfit):
        title, body = "The reverse proxy’s set-up does not fit", _misfit(problem)
    else:
        title = _TITLES.get(problem.status, "This did not work")
        body = f"<p>{escape(_sentence(problem.message))}</p>"
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    response = problem.response()
    response.body = page.encode()
    response.content_type = "text/html"
    response.charset = "utf-8"
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _misfit(misfit: Misfit) -> str:
    arrived = "not at all" if misfit.arrived is None else f"<code>{escape(misfit.arrived)}</code>"
    return (
        f"<p>{escape(_sentence(misfit.why))}</p><dl>"
        f"<dt>Header</dt><dd><code>{escape(misfit.header)}</code></dd>"
        f"<dt>Arrived</dt><dd>{arrived}</dd>"
        f"<dt>Expected</dt><dd><code>{escape(misfit.expected)}</code></dd></dl>"
        f'<p>In nginx, write <code class="write">{escape(misfit.write)}</code></p>'
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
