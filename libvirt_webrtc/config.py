"""The program's settings: built-in defaults < TOML file < environment < flags.

Read once at start; an unknown or unusable setting is a :class:`ConfigError` that says what to write.
"""

import json
import logging
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, get_args

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.video_config import VIDEO_SETTINGS, VideoConfig

log = logging.getLogger(__name__)

TransportPolicy = Literal["all", "relay"]
AutoEnable = Literal["none", "tagged", "all"]
GlPolicy = Literal["auto", "on", "off"]

WORDS: dict[str, tuple[str, ...]] = {"auto_enable": get_args(AutoEnable), "gl": get_args(GlPolicy)}
"""The settings that are one word of several."""

PLACEHOLDER = re.compile(r"YOUR_[A-Z_]+|<[^<>]+>")
"""Text that only occurs in a setting that was copied from the documentation and not filled in."""

ICE_URL = re.compile(r"(stun|turn)s?:(\[[0-9a-fA-F:.]+\]|[^\s:/?]+)(:\d{1,5})?(\?transport=(udp|tcp))?")
"""RFC 7064 and RFC 7065."""

ENVIRONMENT_PREFIX = "QEMU_WEBRTC_"
ENVIRONMENT_NAMES = (
    *("ICE_SERVERS", "ICE_TRANSPORT_POLICY", "STUN_URL"),
    *("TURN_HOST", "TURN_USERNAME", "TURN_CREDENTIAL", "TURN_TRANSPORTS"),
    *("DOWNSAMPLE", "LISTEN", "TOKEN_FILE"),
    *(name.upper() for name in VIDEO_SETTINGS),
)
"""What is read of the environment, without the prefix."""

STATE_VARIABLE = "LIBVIRT_WEBRTC_STATE_DIR"
SYSTEM_STATE_DIR = Path("/var/lib/libvirt-webrtc")
"""Where the system's service keeps what outlives it, and libvirt's hook finds it."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the portal listens."""

    host: str = "127.0.0.1"
    port: int = 8080

    @classmethod
    def parse(cls, text: str) -> "ListenAddress":
        """From ``HOST:PORT`` (``[::1]:8080`` for IPv6).

        Only loopback addresses are taken: the portal speaks plain HTTP, and a login must not cross a network
        in the clear.
        """
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
            raise ConfigError(f"listen = {text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
        if not is_loopback(host):
            raise ConfigError(
                f"listen = {text!r} is refused: the portal has no TLS yet, so logins and keystrokes would "
                "cross the network in the clear. Listen on 127.0.0.1 and reach it through a tunnel: "
                f"ssh -L {port}:127.0.0.1:{port} HOST"
            )
        return cls(host, int(port))

    @property
    def authority(self) -> str:
        """``host:port`` as a URL has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


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


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set."""

    uri: str | None = None
    """libvirt connection URI; None for libvirt's own default."""
    listen: ListenAddress = ListenAddress()
    token_file: Path | None = None
    """File that holds the login token, or is made to hold a new one; None for a new token at every start."""
    downsample: bool = False
    """Halve both dimensions of every picture."""
    ice: IceConfig = IceConfig()
    auto_enable: AutoEnable = "tagged"
    """Which domains get a console by themselves: none, those whose own settings say so, or all but those
    whose settings say no."""
    gl: GlPolicy = "auto"
    """OpenGL displays, for domains whose own settings do not say."""
    video: VideoConfig = VideoConfig()


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder for what outlives the process; it may not exist yet.

    ``LIBVIRT_WEBRTC_STATE_DIR``, else the folder that systemd gave its service, else /var/lib/libvirt-webrtc
    for root and libvirt-webrtc in ``XDG_STATE_HOME`` for others.
    """
    environ = os.environ if environ is None else environ
    given = environ.get(STATE_VARIABLE) or environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    if os.geteuid() == 0:
        return SYSTEM_STATE_DIR
    base = environ.get("XDG_STATE_HOME", "")
    # The standard has relative paths ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".local/state") / "libvirt-webrtc"


def load(path: Path | None = None, environ: Mapping[str, str] | None = None, **flags: Any) -> Config:
    """Read all settings. ``flags`` are those of the command line; None means not given.

    Flags are named as the settings; those of ``[video]`` have ``video_`` before their names.

    Raises:
        ConfigError: a file that cannot be read, an unknown key, an unusable value.
    """
    environ = os.environ if environ is None else environ
    config = Config()
    if path is not None:
        config = _from_file(config, path)
    config = _from_environment(config, environ)
    given = {key: value for key, value in flags.items() if value is not None}
    video = {key.removeprefix("video_"): given.pop(key) for key in list(given) if key.startswith("video_")}
    return replace(config, video=config.video.changed(video, "--{}".format), **given)


def _from_file(config: Config, path: Path) -> Config:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    known = {field.name for field in fields(Config)}
    for key in data:
        if key not in known:
            raise ConfigError(f"{path}: unknown setting {key!r}; known are {', '.join(sorted(known))}")
    changes: dict[str, Any] = {}
    for key, value in data.items():
        where = f"{path}: {key}"
        if key == "downsample":
            if not isinstance(value, bool):
                raise ConfigError(f"{where} must be true or false")
            changes[key] = value
        elif key == "ice":
            changes[key] = _ice_table(value, where)
        elif key == "video":
            if not isinstance(value, dict):
                raise ConfigError(f"{where} must be a table")
            changes[key] = config.video.changed(value, lambda name: f"{path}: video.{name}")
        elif not isinstance(value, str):
            raise ConfigError(f"{where} must be a string")
        elif key == "listen":
            changes[key] = ListenAddress.parse(value)
        elif key == "token_file":
            changes[key] = Path(value)
        elif key in WORDS and value not in WORDS[key]:
            raise ConfigError(f"{where} is {value!r}; write one of {', '.join(map(repr, WORDS[key]))}")
        else:
            changes[key] = value
    return replace(config, **changes)


def _ice_table(value: object, where: str) -> IceConfig:
    if not isinstance(value, dict) or not value.keys() <= {"servers", "transport_policy"}:
        raise ConfigError(f"{where} must be a table with 'servers' and 'transport_policy'")
    servers = _ice_servers(value.get("servers", []), f"{where}.servers")
    return _checked(servers, value.get("transport_policy", "all"), f"{where}.transport_policy")


def _from_environment(config: Config, environ: Mapping[str, str]) -> Config:
    """The prototype's variables, ``QEMU_WEBRTC_*``, and further ones. An empty variable counts as unset."""

    def get(name: str) -> str | None:
        return environ.get(ENVIRONMENT_PREFIX + name, "").strip() or None

    for variable in sorted(environ):
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name != variable and name not in ENVIRONMENT_NAMES:
            # No error, unlike a file's: an environment is inherited, and may be meant for another program.
            known = ", ".join(ENVIRONMENT_NAMES)
            log.warning(
                "%s is not known and has no effect; known are %s with %s", variable, ENVIRONMENT_PREFIX, known
            )
    if (listen := get("LISTEN")) is not None:
        config = replace(config, listen=ListenAddress.parse(listen))
    if (token_file := get("TOKEN_FILE")) is not None:
        config = replace(config, token_file=Path(token_file))

    downsample = get("DOWNSAMPLE")
    if downsample not in (None, "0", "1"):
        raise ConfigError(
            f"{ENVIRONMENT_PREFIX}DOWNSAMPLE={downsample!r}: write 1 (halve both dimensions) or 0"
        )
    if downsample is not None:
        config = replace(config, downsample=downsample == "1")

    video = {key: value for key in VIDEO_SETTINGS if (value := get(key.upper())) is not None}
    config = replace(config, video=config.video.changed(video, lambda key: ENVIRONMENT_PREFIX + key.upper()))

    servers = config.ice.servers
    listed, host, stun = get("ICE_SERVERS"), get("TURN_HOST"), get("STUN_URL")
    if listed is not None:
        name = ENVIRONMENT_PREFIX + "ICE_SERVERS"
        try:
            servers = _ice_servers(json.loads(listed), name)
        except json.JSONDecodeError as error:
            if PLACEHOLDER.search(listed):
                return replace(config, ice=replace(config.ice, problem=_placeholder_problem(name, listed)))
            raise ConfigError(f"{name} is not JSON ({error}); write a JSON array of RTCIceServer") from error
    elif host is not None or stun is not None:
        servers = ()
        if stun is not None:
            servers += (IceServer((stun,)),)
        if host is not None:
            servers += (_turn_server(host, get),)
    policy = get("ICE_TRANSPORT_POLICY") or config.ice.transport_policy
    return replace(config, ice=_checked(servers, policy, ENVIRONMENT_PREFIX + "ICE_TRANSPORT_POLICY"))


def _turn_server(host: str, get: Any) -> IceServer:
    transports = [part.strip() for part in (get("TURN_TRANSPORTS") or "udp,tcp").split(",")]
    for transport in transports:
        if transport not in ("udp", "tcp"):
            name = ENVIRONMENT_PREFIX + "TURN_TRANSPORTS"
            raise ConfigError(f"{name} names {transport!r}; write udp, tcp or udp,tcp")
    urls = tuple(f"turn:{host}?transport={transport}" for transport in transports)
    return IceServer(urls, get("TURN_USERNAME") or "webrtc", get("TURN_CREDENTIAL") or "")


def _ice_servers(value: object, where: str) -> tuple[IceServer, ...]:
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


def _checked(servers: tuple[IceServer, ...], policy: object, where: str) -> IceConfig:
    if policy not in ("all", "relay"):
        raise ConfigError(f"{where} is {policy!r}; write 'all' or 'relay'")
    ice = IceConfig(servers, policy)
    for server in servers:
        for text in (*server.urls, server.username or "", server.credential or ""):
            if PLACEHOLDER.search(text):
                return replace(ice, problem=_placeholder_problem("the ICE servers' configuration", text))
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


def _placeholder_problem(where: str, text: str) -> str:
    match = PLACEHOLDER.search(text)
    found = match.group() if match else text
    return f"{where} still holds the placeholder {found!r}; fill in your server or remove the setting"
