"""The settings of ``[sign_in.oidc]``: the OpenID provider with which users sign in."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from libvirt_webrtc.config.access import is_loopback
from libvirt_webrtc.config.secret_files import read_secret
from libvirt_webrtc.errors import ConfigError

DEFAULT_NAME_CLAIM = "preferred_username"
DEFAULT_LABEL = "Sign in with single sign-on"


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """One OpenID provider, and what this portal is to it."""

    issuer: str
    """The provider's name for itself, an https URL; its discovery document is below it."""
    client_id: str
    client_secret_file: Path | None = None
    """None: the provider has this portal as a public client, without a secret."""
    label: str = DEFAULT_LABEL
    """What the login page's button says."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str | None = None
    """What becomes the user's name; None: ``preferred_username``, and ``sub`` where there is none."""
    groups_claim: str = "groups"
    """Where the groups are; dots lead into objects, as in ``realm_access.roles``."""
    provider_sign_out: bool = True
    """Signing out here signs out at the provider as well, where that offers it."""

    def client_secret(self) -> str | None:
        """The file's secret; None where there is no file. Blocking.

        Raises:
            ConfigError: it cannot be read, others can read it as well, or it is empty.
        """
        if self.client_secret_file is None:
            return None
        return read_secret(self.client_secret_file, "the client's secret")


def oidc_from_table(value: object, where: str) -> OidcConfig:
    """The ``[sign_in.oidc]`` table of the file; ``where`` says where it stands.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table")
    for key in ("issuer", "client_id"):
        if key not in value:
            raise ConfigError(
                f"{where}.{key} is missing; the provider tells it where this portal is registered"
            )
    config = OidcConfig("", "")
    for key, entry in value.items():
        read = _READ.get(key)
        if read is None:
            raise ConfigError(f"{where}.{key}: unknown setting; known are {', '.join(sorted(_READ))}")
        changes: dict[str, Any] = {key: read(entry, f"{where}.{key}")}
        config = replace(config, **changes)
    return config


def is_secure(url: str) -> bool:
    """Whether a URL is https, or plain HTTP that stays on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))


def _issuer(value: object, where: str) -> str:
    text = _text(value, where)
    if not is_secure(text) or "?" in text or "#" in text:
        raise ConfigError(f"{where} is {text!r}; write the provider's https URL, without ? and #")
    return text


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{where} must be a string that is not empty")
    return value


def _path(value: object, where: str) -> Path:
    return Path(_text(value, where))


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where} must be true or false")
    return value


def _scopes(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(scope, str) and scope.split() == [scope] for scope in value
    ):
        raise ConfigError(f'{where} must be an array of words, such as ["openid", "profile", "groups"]')
    if "openid" not in value:
        raise ConfigError(f'{where} must have "openid" in it: without it a provider sends no ID token')
    return tuple(value)


_READ = {
    "issuer": _issuer,
    "client_id": _text,
    "client_secret_file": _path,
    "label": _text,
    "scopes": _scopes,
    "name_claim": _text,
    "groups_claim": _text,
    "provider_sign_out": _flag,
}
