"""Our paths in a folder of a site, for reverse proxies that pass paths on as they are."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web
from yarl import URL

_STRIPPED = web.RequestKey("stripped", bool)


class SubPath(web.AbstractResource):
    """Answers at ``/folder/rest`` what the router answers at ``/rest``.

    Paths that the router knows as they are come first, so it does not matter whether a proxy takes the folder away:
    ``/console/UUID`` is a console's page, also where the folder is ``/console/``.

    Args:
        folder: as :class:`PublicUrl` has its path.
        router: in which this is registered after all else.
    """

    def __init__(self, folder: str, router: web.UrlDispatcher) -> None:
        super().__init__()
        self._folder = folder
        self._router = router

    @property
    def canonical(self) -> str:
        return self._folder.removesuffix("/")

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        path = request.rel_url.raw_path
        if not path.startswith(self._folder) or request.get(_STRIPPED, False):
            return None, set()
        inside = request.clone(rel_url=URL.build(path=f"/{path.removeprefix(self._folder)}", encoded=True))
        inside[_STRIPPED] = True
        found = await self._router.resolve(inside)
        if isinstance(found.http_exception, web.HTTPMethodNotAllowed):
            return None, found.http_exception.allowed_methods
        return (None if found.http_exception is not None else found), set()

    def url_for(self, **kwargs: str) -> URL:
        raise NotImplementedError("nothing is built from routes here")

    def add_prefix(self, prefix: str) -> None:
        raise NotImplementedError("the portal is no part of another application")

    def get_info(self) -> Any:
        return {"prefix": self._folder}

    def raw_match(self, path: str) -> bool:
        return path.startswith(self._folder)

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter(())
