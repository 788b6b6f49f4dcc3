"""The pages and their files, and the health check."""

from aiohttp import web

from libvirt_webrtc import __version__
from libvirt_webrtc.portal.routes.paths import CALLBACK, UUID
from libvirt_webrtc.portal.web_files import WebFiles


class PageRoutes:
    """Everything that needs no agent."""

    def __init__(self, web_files: WebFiles) -> None:
        self._web_files = web_files

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get("/healthz", self.health)
        router.add_get("/", self.list_page)
        router.add_get("/login", self.login_page)
        router.add_get(CALLBACK, self.signing_in_page)
        router.add_get("/login/proxy/begin", self.signing_in_page)
        router.add_get("/share", self.share_page)
        router.add_get(f"/console/{UUID}", self.console_page)
        router.add_get("/static/{path:.+}", self.static)

    async def health(self, request: web.Request) -> web.Response:
        """That the portal serves, whatever libvirt does."""
        return web.json_response({"status": "ok", "version": __version__})

    async def list_page(self, request: web.Request) -> web.Response:
        """The page with all domains."""
        return self._web_files.response(request, "index.html")

    async def login_page(self, request: web.Request) -> web.Response:
        """The page that asks for the token."""
        return self._web_files.response(request, "login.html")

    async def signing_in_page(self, request: web.Request) -> web.Response:
        """The page on which somebody signs in whom an OpenID provider or a proxy has let in already."""
        return self._web_files.response(request, "signing-in.html")

    async def share_page(self, request: web.Request) -> web.Response:
        """The page behind a share link. Its secret is in the fragment, which does not come here."""
        return self._web_files.response(request, "share.html")

    async def console_page(self, request: web.Request) -> web.Response:
        """The page of one domain's consoles. Whether there is such a domain is for the page to show."""
        return self._web_files.response(request, "console.html")

    async def static(self, request: web.Request) -> web.Response:
        """Scripts, styles and pictures."""
        return self._web_files.response(request, request.match_info["path"])
