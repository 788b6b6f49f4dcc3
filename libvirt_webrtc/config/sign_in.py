"""The settings of ``[sign_in]``: which ways of signing in there are."""

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from libvirt_webrtc.config.oidc import OidcConfig, oidc_from_table
from libvirt_webrtc.config.proxy_sign_in import ProxySignInConfig, proxy_sign_in_from_table
from libvirt_webrtc.errors import ConfigError

SignInMethod = Literal["token", "oidc", "proxy"]
SIGN_IN_METHODS: tuple[str, ...] = get_args(SignInMethod)


@dataclass(frozen=True, slots=True)
class SignInConfig:
    """How users sign in."""

    methods: tuple[SignInMethod, ...] = ("token",)
    """In the order in which the login page offers them."""
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
        elif key == "oidc":
            config = replace(config, oidc=oidc_from_table(entry, f"{where}.{key}"))
        elif key == "proxy":
            config = replace(config, proxy=proxy_sign_in_from_table(entry, f"{where}.{key}"))
        else:
            raise ConfigError(f"{where}.{key}: unknown setting; known are methods, oidc, proxy")
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


def _quoted(word: str) -> str:
    return f'"{word}"'
