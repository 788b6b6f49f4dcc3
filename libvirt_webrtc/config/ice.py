"""The ICE servers and the transport policy: values, and their checks."""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from libvirt_webrtc.errors import ConfigError

TransportPolicy = Literal["all", "relay"]


PLACEHOLDER = re.compile(r"YOUR_[A-Z_]+|<[^<>]+>")
"""Text that only occurs in a setting that was copied from the documentation and not filled in."""


ICE_URL = re.compile(r"(stun|turn)s?:(\[[0-9a-fA-F:.]+\]|[^\s:/?]+)(:\d{1,5})?(\?transport=(udp|tcp))?")
"""RFC 7064 and RFC 7065."""


ENVIRONMENT_PREFIX = "QEMU_WEBRTC_"


@dataclass(frozen=True, slots=True)
class IceServer:
    """One STUN or TURN server, with the field names of the WebRTC standard's ``RTCIceServer``."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The form that browsers take."""
        server: dict[str, Any] = {"urls": list(self.urls)}
        if self.username is not None:
            server["username"] = self.username
        if self.credential is not None:
            server["credential"] = self.credential
        return server


@dataclass(frozen=True, slots=True)
class IceConfig:
    """How viewers and workers find a way to each other."""

    servers: tuple[IceServer, ...] = ()
    transport_policy: TransportPolicy = "all"
    problem: str | None = None
    """A mistake that makes connecting pointless; pages show it instead of trying."""

    def as_json(self) -> dict[str, Any]:
        """The answer of ``GET /webrtc-config``."""
        return {
            "iceServers": [server.as_json() for server in self.servers],
            "iceTransportPolicy": self.transport_policy,
            "problem": self.problem,
        }


def ice_table(value: object, where: str) -> IceConfig:
    if not isinstance(value, dict) or not value.keys() <= {"servers", "transport_policy"}:
        raise ConfigError(f"{where} must be a table with 'servers' and 'transport_policy'")
    servers = ice_servers(value.get("servers", []), f"{where}.servers")
    return checked(servers, value.get("transport_policy", "all"), f"{where}.transport_policy")


def turn_server(host: str, get: Any) -> IceServer:
    transports = [part.strip() for part in (get("TURN_TRANSPORTS") or "udp,tcp").split(",")]
    for transport in transports:
        if transport not in ("udp", "tcp"):
            name = ENVIRONMENT_PREFIX + "TURN_TRANSPORTS"
            raise ConfigError(f"{name} names {transport!r}; write udp, tcp or udp,tcp")
    urls = tuple(f"turn:{host}?transport={transport}" for transport in transports)
    return IceServer(urls, get("TURN_USERNAME") or "webrtc", get("TURN_CREDENTIAL") or "")


def ice_servers(value: object, where: str) -> tuple[IceServer, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} must be an array of objects with 'urls'")
    servers = []
    for entry in value:
        if not isinstance(entry, dict) or not entry.keys() <= {"urls", "username", "credential"}:
            raise ConfigError(f"{where}: each entry is an object with 'urls', 'username', 'credential'")
        urls = entry.get("urls")
        urls = [urls] if isinstance(urls, str) else urls
        if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
            raise ConfigError(f"{where}: 'urls' must be a URL or an array of URLs")
        for key in ("username", "credential"):
            if not isinstance(entry.get(key, ""), str):
                raise ConfigError(f"{where}: {key!r} must be a string")
        servers.append(IceServer(tuple(urls), entry.get("username"), entry.get("credential")))
    return tuple(servers)


def checked(servers: tuple[IceServer, ...], policy: object, where: str) -> IceConfig:
    if policy not in ("all", "relay"):
        raise ConfigError(f"{where} is {policy!r}; write 'all' or 'relay'")
    ice = IceConfig(servers, policy)
    for server in servers:
        for text in (*server.urls, server.username or "", server.credential or ""):
            if PLACEHOLDER.search(text):
                return replace(ice, problem=placeholder_problem("the ICE servers' configuration", text))
        for url in server.urls:
            if not ICE_URL.fullmatch(url):
                raise ConfigError(
                    f"ICE server {url!r} must be like stun:HOST:PORT or turn:HOST:PORT?transport=udp"
                )
            if url.startswith("turn") and not server.credential:
                problem = f"the TURN server {url} has no credential; set {ENVIRONMENT_PREFIX}TURN_CREDENTIAL"
                return replace(ice, problem=problem)
            if url.startswith("turn") and server.username is None:
                # Browsers refuse the whole configuration then.
                return replace(ice, problem=f"the TURN server {url} has no 'username'")
    if policy == "relay" and not any(url.startswith("turn") for server in servers for url in server.urls):
        return replace(ice, problem="the transport policy is 'relay', but no TURN server is configured")
    return ice


def placeholder_problem(where: str, text: str) -> str:
    match = PLACEHOLDER.search(text)
    found = match.group() if match else text
    return f"{where} still holds the placeholder {found!r}; fill in your server or remove the setting"
