"""What a provider's claims say of a user: name and groups. Pure."""

from collections.abc import Mapping
from typing import Any

from libvirt_webrtc.config.oidc import DEFAULT_NAME_CLAIM, OidcConfig
from libvirt_webrtc.errors import SignInRefused
from libvirt_webrtc.portal.auth.names import MAX_GROUPS, MAX_NAME, is_name


def is_complete(claims: Mapping[str, Any], config: OidcConfig) -> bool:
    """Whether name and groups are there, so that nothing further has to be asked for."""
    name = _find(claims, config.name_claim or DEFAULT_NAME_CLAIM)
    return name is not None and _find(claims, config.groups_claim) is not None


def name_of(claims: Mapping[str, Any], config: OidcConfig) -> str:
    """The user's name.

    Raises:
        SignInRefused: there is none that can be used; says why.
    """
    wanted = config.name_claim or DEFAULT_NAME_CLAIM
    name = _find(claims, wanted)
    if name is None and config.name_claim is None:
        name = claims["sub"]
    if name is None:
        raise SignInRefused(f"the provider sends no {wanted!r}: correct name_claim, or ask for its scope")
    if not is_name(name):
        raise SignInRefused(
            f"the provider's {wanted!r} is no name of at most {MAX_NAME} printable characters"
        )
    if wanted == "email" and claims.get("email_verified") is not True:
        # Otherwise whoever can enter an address at the provider could be anybody here.
        raise SignInRefused("the provider does not say that it has verified your e-mail address")
    return str(name)


def groups_of(claims: Mapping[str, Any], config: OidcConfig) -> frozenset[str]:
    """The user's groups; none where the provider sends none.

    Raises:
        SignInRefused: the claim is something else than a list of names.
    """
    found = _find(claims, config.groups_claim)
    groups = [found] if isinstance(found, str) else [] if found is None else found
    if not isinstance(groups, list) or len(groups) > MAX_GROUPS or not all(map(is_name, groups)):
        raise SignInRefused(
            f"the provider's {config.groups_claim!r} is no list of at most {MAX_GROUPS} names"
        )
    return frozenset(groups)


def _find(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that name or, where there is none, the one to which the dots in it lead; None for none."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
