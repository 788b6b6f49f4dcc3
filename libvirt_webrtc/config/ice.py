"""The ICE servers and the transport policy: values, where they come from, and their checks."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from libvirt_webrtc.config.ice_ports import PortRange, addresses_from_list
from libvirt_webrtc.config.ice_secret import ephemeral_credentials, secret_from_table
from libvirt_webrtc.config.ice_url import Target
from libvirt_webrtc.errors import ConfigError

TransportPolicy = Literal["all", "relay"]

ENVIRONMENT_PREFIX = "QEMU_WEBRTC_"
"""Of every variable of the environment that is a setting; the prototype's."""

_KEYS = ("servers", "transport_policy", "ports", "addresses", "secret", "secret_file")
"""Of the table."""

_PLACEHOLDER = re.compile(r"YOUR_[A-Z_]+|<[^<>]+>")
"""Text that only occurs in a setting that was copied from the documentation and not filled in."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """One STUN or TURN server, with the field names of the WebRTC standard's ``RTCIceServer``."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The URLs in their parts. Raises ConfigError where one is no URL."""
        return tuple(map(Target.parse, self.urls))

    @property
    def is_open_relay(self) -> bool:
        """Whether it relays, and no user of it is named."""
        return (
            self.username is None
            and self.credential is None
            and any(target.is_turn for target in self.targets)
        )

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
    """A mistake with which nobody could connect; pages show it instead of trying, and there are no servers."""
    ports: PortRange | None = None
    """The UDP ports that workers use; None: any."""
    addresses: tuple[str, ...] = ()
    """What workers offer: addresses of this host, and those at which a router maps to it. Empty: all of this host's."""
    secret: str | None = field(default=None, repr=False)
    """What this host shares with the TURN servers that stand here without a user. It never leaves this process."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """All URLs in their parts."""
        return tuple(target for server in self.servers for target in server.targets)

    def servers_for_one(self) -> tuple[IceServer, ...]:
        """The servers with their credentials, for one side of one viewer's connection; a secret makes new ones."""
        if self.secret is None:
            return self.servers
        username, credential = ephemeral_credentials(self.secret, time.time())
        return tuple(
            replace(server, username=username, credential=credential) if server.is_open_relay else server
            for server in self.servers
        )

    def as_json(self) -> dict[str, Any]:
        """The answer of ``GET /webrtc-config``, for one viewer."""
        return {
            "iceServers": [server.as_json() for server in self.servers_for_one()],
            "iceTransportPolicy": self.transport_policy,
            "problem": self.problem,
        }


def ice_from_table(value: object, where: str) -> IceConfig:
    """The ``[ice]`` table of the file; ``where`` says where it stands.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, dict) or not value.keys() <= set(_KEYS):
        raise ConfigError(f"{where} must be a table of {', '.join(map(repr, _KEYS))}")
    ice = IceConfig(
        _servers(value.get("servers", []), f"{where}.servers"),
        ports=PortRange.parse(value["ports"], f"{where}.ports") if "ports" in value else None,
        addresses=addresses_from_list(value["addresses"], f"{where}.addresses")
        if "addresses" in value
        else (),
        secret=secret_from_table(value, where),
    )
    return _checked(ice, value.get("transport_policy", "all"), f"{where}.transport_policy")


def ice_from_environment(ice: IceConfig, get: Callable[[str], str | None]) -> IceConfig:
    """``ice`` with what the environment sets in its place.

    ``ICE_SERVERS`` holds all servers; without it, ``STUN_URL`` and ``TURN_HOST`` with its further variables make up one
    each. ``get`` gives a variable by its name without the prefix, None where it is not set.

    Raises:
        ConfigError: says what to write.
    """
    servers = ice.servers
    listed, host, stun = get("ICE_SERVERS"), get("TURN_HOST"), get("STUN_URL")
    if listed is not None:
        name = ENVIRONMENT_PREFIX + "ICE_SERVERS"
        try:
            servers = _servers(json.loads(listed), name)
        except json.JSONDecodeError as error:
            if _PLACEHOLDER.search(listed):
                return replace(ice, problem=_placeholder_problem(name, listed))
            raise ConfigError(f"{name} is not JSON ({error}); write a JSON array of RTCIceServer") from error
    elif host is not None or stun is not None:
        servers = ()
        if stun is not None:
            servers += (IceServer((stun,)),)
        if host is not None:
            servers += (_turn_server(host, get, has_secret=ice.secret is not None),)
    policy = get("ICE_TRANSPORT_POLICY") or ice.transport_policy
    ice = _checked(replace(ice, servers=servers), policy, ENVIRONMENT_PREFIX + "ICE_TRANSPORT_POLICY")
    if ice.secret is not None and ice.problem is None and not any(one.is_open_relay for one in ice.servers):
        raise ConfigError(
            "ice.secret is for TURN servers without 'username' and 'credential', and there is none; "
            "add one to ice.servers, or take the secret out"
        )
    return ice


def _servers(value: object, where: str) -> tuple[IceServer, ...]:
    """From a list of ``RTCIceServer`` objects, as JSON or TOML has them."""
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


def _turn_server(host: str, get: Callable[[str], str | None], *, has_secret: bool) -> IceServer:
    transports = [part.strip() for part in (get("TURN_TRANSPORTS") or "udp,tcp").split(",")]
    for transport in transports:
        if transport not in ("udp", "tcp"):
            name = ENVIRONMENT_PREFIX + "TURN_TRANSPORTS"
            raise ConfigError(f"{name} names {transport!r}; write udp, tcp or udp,tcp")
    urls = tuple(f"turn:{host}?transport={transport}" for transport in transports)
    if has_secret and get("TURN_CREDENTIAL") is None:
        return IceServer(urls)
    return IceServer(urls, get("TURN_USERNAME") or "webrtc", get("TURN_CREDENTIAL") or "")


def _checked(ice: IceConfig, policy: object, where: str) -> IceConfig:
    """The settings together; a mistake that leaves the list of domains usable is their ``problem``, not an error."""
    if policy not in ("all", "relay"):
        raise ConfigError(f"{where} is {policy!r}; write 'all' or 'relay'")
    problem = _problem(ice, policy)
    if problem is not None:
        return replace(ice, servers=(), transport_policy=policy, problem=problem)
    # In one form, which all browsers take.
    servers = tuple(replace(server, urls=tuple(map(str, server.targets))) for server in ice.servers)
    return replace(ice, servers=servers, transport_policy=policy, problem=None)


def _problem(ice: IceConfig, policy: TransportPolicy) -> str | None:
    if _PLACEHOLDER.search(ice.secret or ""):
        return _placeholder_problem("ice.secret", ice.secret or "")
    for server in ice.servers:
        for text in (*server.urls, server.username or "", server.credential or ""):
            if _PLACEHOLDER.search(text):
                return _placeholder_problem("the ICE servers' configuration", text)
        if ice.secret is not None and server.is_open_relay:
            continue
        for target in server.targets:
            if target.is_turn and not server.credential:
                setting = f"{ENVIRONMENT_PREFIX}TURN_CREDENTIAL, or ice.secret"
                return f"the TURN server {target} has no credential; set {setting}"
            if target.is_turn and server.username is None:
                # Browsers refuse the whole configuration then.
                return f"the TURN server {target} has no 'username'"
    if policy == "relay" and not any(target.is_turn for target in ice.targets):
        return "the transport policy is 'relay', but no TURN server is configured"
    return None


def _placeholder_problem(where: str, text: str) -> str:
    match = _PLACEHOLDER.search(text)
    found = match.group() if match else text
    return f"{where} still holds the placeholder {found!r}; fill in your server or remove the setting"
