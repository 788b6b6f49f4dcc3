"""The pages' files, read into memory at start. Nothing else can be requested."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from aiohttp import ETag, web

from libvirt_webrtc.errors import ConfigError

# Not Python's mimetypes, which depend on what is installed. Files with other suffixes are not served.
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/vnd.microsoft.icon",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file as it is sent to browsers."""

    body: bytes
    content_type: str
    etag: str
    """Made from the content, not the modification time: packagers set all times to the same value."""


class WebFiles:
    """All files below ``web/``, by their path there.

    Pages name their scripts and styles below ``static/VERSION/`` of the portal's folder, and modules import each other
    relative to that.
    Browsers may keep such files for ever; otherwise they would ask for about 30 of them before a console opens.

    Attributes:
        version: a hash of all files; it differs as soon as one of them does.
    """

    def __init__(self, files: dict[str, WebFile]) -> None:
        content = "".join(path + files[path].etag for path in sorted(files))
        self.version = _digest(content.encode())
        self._files = {
            path: file if _TYPES["html"] != file.content_type else self._versioned(file)
            for path, file in files.items()
        }

    @classmethod
    def load(cls, root: Traversable | None = None) -> "WebFiles":
        """Read all files below ``root``; by default the installed package's, or else the checkout's.

        Raises:
            ConfigError: the folder does not exist.
        """
        if root is None:
            package = resources.files("libvirt_webrtc")
            checkout = Path(__file__).resolve().parents[2] / "web"
            root = installed if (installed := package / "_web").is_dir() else checkout
        if not root.is_dir():
            raise ConfigError(f"the web pages are missing at {root}; install the package again")
        return cls(dict(_read(root, "")))

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def __getitem__(self, path: str) -> WebFile:
        return self._files[path]

    def response(self, request: web.Request, path: str) -> web.Response:
        """The file at ``path``, or ``304`` where the browser has this version of it. Raises HTTPNotFound."""
        unversioned = path.removeprefix(f"{self.version}/")
        file = self._files.get(unversioned)
        if file is None:
            raise web.HTTPNotFound
        # "no-cache": browsers keep the file but ask each time whether it changed, so an upgrade shows at once.
        keep = "no-cache" if unversioned == path else "public, max-age=31536000, immutable"
        headers = {"Cache-Control": keep, "ETag": f'"{file.etag}"'}
        known = request.if_none_match or ()
        if any(tag in (ETag("*"), ETag(file.etag), ETag(file.etag, is_weak=True)) for tag in known):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, headers={"Content-Type": file.content_type, **headers})

    def _versioned(self, page: WebFile) -> WebFile:
        body = re.sub(rb'"((?:\.\./)*static/)', rf'"\g<1>{self.version}/'.encode(), page.body)
        return WebFile(body, page.content_type, _digest(body))


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, WebFile]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{prefix}{entry.name}/")
        elif content_type := _TYPES.get(entry.name.rpartition(".")[2]):
            body = entry.read_bytes()
            yield prefix + entry.name, WebFile(body, content_type, _digest(body))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
