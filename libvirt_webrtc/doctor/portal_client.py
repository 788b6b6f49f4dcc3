"""A running portal, asked as a program asks it: with a token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.secret_files import read_secret
from libvirt_webrtc.errors import ConfigError, LibvirtWebRTCError
from libvirt_webrtc.portal.auth.cookie import STREAM_PROTOCOL
from libvirt_webrtc.portal.tls.certificate import read_certificate
from libvirt_webrtc.portal.tls.portal_certificate import certificate_files

REQUEST_S = 15.0
"""For each request: longer than the portal takes for an offer (agent/limits.py), which is the longest."""

CLOSE_S = 1.0
"""For the portal's part in the end of a WebSocket."""


class PortalRefused(LibvirtWebRTCError):
    """The portal cannot be reached, or refused a request. The message says why."""


class PortalClient:
    """Signed in at a portal by a token. ``async with`` ends it.

    Attributes:
        url: the portal's, without a slash at the end.
    """

    def __init__(self, url: str, token: str, fingerprint: str | None = None) -> None:
        """
        Args:
            fingerprint: SHA-256 of its certificate, which is then not checked otherwise.

        Raises:
            ConfigError: the fingerprint is none.
        """
        self.url = url.removesuffix("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        try:
            self._tls: Any = True if fingerprint is None else aiohttp.Fingerprint(_bytes(fingerprint))
        except ValueError as error:
            raise ConfigError(
                "a fingerprint is 64 hexadecimal digits, SHA-256, as doctor prints it"
            ) from error

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=REQUEST_S)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def domains(self) -> list[dict[str, Any]]:
        """The list, as docs/protocol.md describes it. Raises PortalRefused."""
        listed: list[dict[str, Any]] = (await self._get("/api/domains"))["domains"]
        return listed

    async def webrtc_config(self) -> dict[str, Any]:
        """The ICE servers for one viewer. Raises PortalRefused."""
        return await self._get("/webrtc-config")

    async def offer(self, uuid: str, sdp: str) -> tuple[str, str]:
        """The answer to an offer to a domain's first console, and the viewer's address. Raises PortalRefused."""
        path = f"/api/domains/{uuid}/consoles/0/whep"
        text, headers = await self._ask("POST", path, data=sdp, headers={"Content-Type": "application/sdp"})
        return text, headers["Location"].rpartition("/")[2]

    async def leave(self, uuid: str, viewer: str) -> None:
        """End a viewer. Raises PortalRefused, also where it has gone."""
        await self._ask("DELETE", f"/api/domains/{uuid}/consoles/0/whep/{viewer}")

    @asynccontextmanager
    async def stream(self, uuid: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The WebSocket of a domain's first console. Raises PortalRefused, also where it breaks meanwhile."""
        path = f"/api/domains/{uuid}/consoles/0/stream"
        try:
            async with self._http.ws_connect(
                self.url + path,
                protocols=(STREAM_PROTOCOL,),
                ssl=self._tls,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
            ) as websocket:
                yield websocket
        except aiohttp.WSServerHandshakeError as error:
            raise PortalRefused(f"it is answered with status {error.status}") from error
        except aiohttp.ClientError as error:
            raise PortalRefused(f"it cannot be opened: {_why(error)}") from error

    async def _get(self, path: str) -> dict[str, Any]:
        await self._ask("GET", path)
        return self._answer

    async def _ask(self, method: str, path: str, **more: Any) -> tuple[str, Any]:
        try:
            async with self._http.request(
                method, self.url + path, ssl=self._tls, allow_redirects=False, **more
            ) as response:
                is_json = response.content_type == "application/json"
                self._answer: dict[str, Any] = await response.json() if is_json else {}
                if response.status == 401:
                    raise PortalRefused("it does not take the token")
                if response.status >= 300:
                    told = self._answer.get("message", f"it answers with status {response.status}")
                    raise PortalRefused(str(told))
                return await response.text(), response.headers
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise PortalRefused(f"{self.url} cannot be used: {_why(error)}") from error


def client_of(
    config: Config, url: str | None, token_file: Path | None, fingerprint: str | None
) -> PortalClient:
    """A client of the portal of these settings, or of that at ``url``, which may be another machine's. Blocking.

    Raises:
        ConfigError: there is no token, or a file cannot be read.
    """
    path = token_file or config.token_file
    if path is None:
        raise ConfigError("the portal's token is not known: --token-file FILE, or token_file in the settings")
    token = read_secret(path, "the token")
    if url is not None:
        return PortalClient(url, token, fingerprint)
    if config.portal.public_url is not None:
        return PortalClient(str(config.portal.public_url), token, fingerprint)
    listen = config.listen
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    address = ListenAddress(here, listen.port).authority
    if not config.needs_tls:
        return PortalClient(f"http://{address}", token)
    own = read_certificate(*certificate_files(config)).fingerprint
    return PortalClient(f"https://{address}", token, fingerprint or own)


def _bytes(fingerprint: str) -> bytes:
    return bytes.fromhex(fingerprint.replace(":", ""))


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ServerFingerprintMismatch():
            return f"its certificate has another fingerprint, {error.got.hex(':').upper()}"
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted ({error.certificate_error}); --fingerprint names it"
        case aiohttp.ClientConnectorError():
            return str(error.os_error)
    return str(error) or "it does not answer"
