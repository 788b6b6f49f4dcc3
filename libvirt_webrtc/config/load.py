"""The program's settings: built-in defaults < TOML file < environment < flags.

Read at start, and by the portal again on SIGHUP; an unknown or unusable setting is a :class:`ConfigError` that says
what to write.
"""

import logging
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from libvirt_webrtc.config.access import ListenAddress, is_loopback
from libvirt_webrtc.config.access_rules import AccessRule, access_rules_from_table
from libvirt_webrtc.config.audit import AuditConfig, audit_from_table
from libvirt_webrtc.config.ice import (
    ENVIRONMENT_PREFIX,
    IceConfig,
    ice_from_environment,
    ice_from_table,
)
from libvirt_webrtc.config.portal import PortalConfig, portal_from_table
from libvirt_webrtc.config.share import ShareConfig, share_from_table
from libvirt_webrtc.config.sign_in import SignInConfig, sign_in_from_table
from libvirt_webrtc.config.tls import TlsConfig, tls_from_table
from libvirt_webrtc.config.video import VIDEO_SETTINGS, VideoConfig
from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import AutoEnable
from libvirt_webrtc.errors import ConfigError

log = logging.getLogger(__name__)

_WORDS: dict[str, type[StrEnum]] = {"auto_enable": AutoEnable, "gl": Gl}
"""The settings that are one word of several."""

_TABLES: dict[str, Callable[[object, str], object]] = {
    "access": access_rules_from_table,
    "audit": audit_from_table,
    "ice": ice_from_table,
    "portal": portal_from_table,
    "share": share_from_table,
    "sign_in": sign_in_from_table,
    "tls": tls_from_table,
}
"""The settings that a module of their own reads; each raises ConfigError."""

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
    auto_enable: AutoEnable = AutoEnable.TAGGED
    gl: Gl = Gl.AUTO
    """OpenGL displays, for domains whose own settings do not say."""
    video: VideoConfig = VideoConfig()
    audit: AuditConfig = AuditConfig()
    tls: TlsConfig = TlsConfig()
    insecure: bool = False
    """Speak plain HTTP also where other machines reach the portal."""
    access: tuple[AccessRule, ...] = ()
    """Who may do what with which domains. Whoever has the token may do everything."""
    sign_in: SignInConfig = SignInConfig()
    portal: PortalConfig = PortalConfig()
    share: ShareConfig = ShareConfig()

    @property
    def needs_tls(self) -> bool:
        """Whether the portal speaks HTTPS: wherever others reach it, unless told not to; and with a certificate."""
        return self.tls.certificate is not None or not (self.insecure or self.listen.is_loopback)


ReadConfig = Callable[[], Config]
"""Reads the settings, each time anew. Raises ConfigError."""


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
    """Read all settings.

    Args:
        path: the file; None for none.
        environ: the environment; this process's where it is None.
        flags: of the command line, named as the settings, with those of ``[video]`` as ``video_...``; None: not given.

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
    config = replace(config, video=config.video.changed(video, "--{}".format), **given)
    if config.insecure and config.tls.certificate is not None:
        raise ConfigError(
            "insecure (plain HTTP) and the certificate in [tls] exclude each other: remove one of them"
        )
    public = config.portal.public_url
    if public is not None and public.scheme == "http" and not (config.insecure or is_loopback(public.host)):
        raise ConfigError(
            f"portal.public_url = {str(public)!r}: logins and keystrokes would cross the network in the clear; have "
            "the proxy speak HTTPS, and write https://, or else insecure = true as well"
        )
    return config


def take_environment() -> dict[str, str]:
    """Take the settings out of this process's environment, and return them.

    They may hold a TURN server's credential, and every process that is started later would inherit them.
    """
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(ENVIRONMENT_PREFIX)}


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
        if key in ("downsample", "insecure"):
            if not isinstance(value, bool):
                raise ConfigError(f"{where} must be true or false")
            changes[key] = value
        elif key in _TABLES:
            changes[key] = _TABLES[key](value, where)
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
        elif key in _WORDS:
            changes[key] = _word(_WORDS[key], value, where)
        else:
            changes[key] = value
    return replace(config, **changes)


def _word(words: type[StrEnum], value: str, where: str) -> StrEnum:
    if value not in list(words):
        raise ConfigError(
            f"{where} is {value!r}; write one of {', '.join(repr(str(word)) for word in words)}"
        )
    return words(value)


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

    return replace(config, ice=ice_from_environment(config.ice, get))
