"""The settings of ``[sign_in]``: which ways of signing in there are, and those of system users."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast, get_args

from libvirt_webrtc.config.oidc import OidcConfig, oidc_from_table
from libvirt_webrtc.config.proxy_sign_in import ProxySignInConfig, proxy_sign_in_from_table
from libvirt_webrtc.errors import ConfigError

SignInMethod = Literal["token", "pam", "oidc", "proxy"]
SIGN_IN_METHODS: tuple[str, ...] = get_args(SignInMethod)

SecondFactor = Literal["enrolled", "required"]
SECOND_FACTORS: tuple[str, ...] = get_args(SecondFactor)

PAM_SOCKET = Path("/run/libvirt-webrtc-pam.sock")
"""Where the unit in examples/systemd has the PAM helper listen."""


@dataclass(frozen=True, slots=True)
class PamConfig:
    """How system users sign in."""

    socket: Path = PAM_SOCKET
    """Of ``libvirt-webrtc pam-helper``."""
    second_factor: SecondFactor = "enrolled"
    """Who needs a code besides the password: users that have enrolled, or everybody."""


@dataclass(frozen=True, slots=True)
class SignInConfig:
    """How users sign in."""

    methods: tuple[SignInMethod, ...] = ("token",)
    """In the order in which the login page offers them."""
    pam: PamConfig = PamConfig()
    oidc: OidcConfig | None = None
    proxy: ProxySignInConfig | None = None


def sign_in_from_table(value: object, where: str) -> SignInConfig:
    """The ``[sign_in]`` table of the file; ``where`` says where it stands.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table")
    config = SignInConfig()
    for key, entry in value.items():
        if key == "methods":
            config = replace(config, methods=_methods(entry, f"{where}.{key}"))
        elif key == "pam":
            config = replace(config, pam=_pam(entry, f"{where}.{key}"))
        elif key == "oidc":
            config = replace(config, oidc=oidc_from_table(entry, f"{where}.{key}"))
        elif key == "proxy":
            config = replace(config, proxy=proxy_sign_in_from_table(entry, f"{where}.{key}"))
        else:
            raise ConfigError(f"{where}.{key}: unknown setting; known are methods, pam, oidc, proxy")
    for method, table in (("oidc", config.oidc), ("proxy", config.proxy)):
        if method in config.methods and table is None:
            raise ConfigError(
                f"{where}.methods names {method!r}, which needs its settings in [sign_in.{method}]"
            )
    return config


def _methods(value: object, where: str) -> tuple[SignInMethod, ...]:
    if not isinstance(value, list) or not value:
        raise ConfigError(f"{where} must be an array such as [{', '.join(map(_quoted, SIGN_IN_METHODS))}]")
    for method in value:
        if method not in SIGN_IN_METHODS:
            known = ", ".join(map(_quoted, SIGN_IN_METHODS))
            raise ConfigError(f"{where} names {method!r}; write some of {known}")
    if len(set(value)) < len(value):
        raise ConfigError(f"{where} names a method twice")
    return cast(tuple[SignInMethod, ...], tuple(value))


def _pam(value: object, where: str) -> PamConfig:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table")
    config = PamConfig()
    for key, entry in value.items():
        if key == "socket":
            if not isinstance(entry, str) or not entry.startswith("/"):
                raise ConfigError(f"{where}.{key} must be a path that begins with /, such as {PAM_SOCKET}")
            config = replace(config, socket=Path(entry))
        elif key == "second_factor":
            if entry not in SECOND_FACTORS:
                known = ", ".join(map(_quoted, SECOND_FACTORS))
                raise ConfigError(f"{where}.{key} is {entry!r}; write one of {known}")
            config = replace(config, second_factor=cast(SecondFactor, entry))
        else:
            raise ConfigError(f"{where}.{key}: unknown setting; known are socket, second_factor")
    return config


def _quoted(word: str) -> str:
    return f'"{word}"'
