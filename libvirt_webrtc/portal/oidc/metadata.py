"""What an OpenID provider says of itself: OpenID Connect Discovery 1.0. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libvirt_webrtc.config.oidc import is_secure
from libvirt_webrtc.errors import ProviderUnavailable

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """A provider's addresses, and what it can do."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    takes_basic: bool
    """It takes a client's secret by HTTP Basic, the default; otherwise in the form."""
    names_itself: bool
    """Its answers have ``iss`` (RFC 9207), so that those of another provider are told apart."""


def discovery_url(issuer: str) -> str:
    """Where a provider's metadata is (section 4 of the standard)."""
    return issuer.rstrip("/") + WELL_KNOWN


def parse_metadata(document: Mapping[str, Any], issuer: str) -> ProviderMetadata:
    """Read a discovery document.

    Raises:
        ProviderUnavailable: it is another issuer's, or lacks what signing in needs.
    """
    if document.get("issuer") != issuer:
        raise ProviderUnavailable(
            f"the provider calls itself {document.get('issuer')!r}; write exactly that as the issuer, if it is the "
            f"right one, in place of {issuer!r}"
        )
    methods = document.get("token_endpoint_auth_methods_supported")
    return ProviderMetadata(
        issuer,
        _needed(document, "authorization_endpoint"),
        _needed(document, "token_endpoint"),
        _needed(document, "jwks_uri"),
        _url(document, "userinfo_endpoint"),
        _url(document, "end_session_endpoint"),
        not isinstance(methods, list)
        or "client_secret_basic" in methods
        or "client_secret_post" not in methods,
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _needed(document: Mapping[str, Any], name: str) -> str:
    url = _url(document, name)
    if url is None:
        raise ProviderUnavailable(f"the provider's discovery document has no {name}")
    return url


def _url(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not is_secure(value):
        raise ProviderUnavailable(f"the provider's {name} is {value!r}, which is no https URL")
    return value
