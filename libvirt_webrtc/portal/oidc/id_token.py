"""Checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7). Pure."""

from collections.abc import Mapping
from typing import Any

from authlib.oidc.core.claims import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from libvirt_webrtc.errors import ProviderUnavailable, SignInRefused

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that are taken: those with a key pair. Never ``none``, nor ``HS256``, whose key would be the client's
secret or, by an old trick, the provider's public key."""

LEEWAY_S = 60
"""By how much the provider's clock and this one may differ."""


class UnknownKey(SignInRefused):
    """The token is signed with a key that is not among those that are known; there may be newer ones."""


def parse_keys(document: Mapping[str, Any]) -> KeySet:
    """Read a provider's JSON Web Key Set. Keys of kinds that are not known here are left out.

    Raises:
        ProviderUnavailable: it holds no key.
    """
    listed = document.get("keys")
    keys: list[Key] = []
    for entry in listed if isinstance(listed, list) else []:
        try:
            keys.append(JWKRegistry.import_key(entry))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            # A provider may have keys for other purposes, of kinds that come after this program.
            continue
    if not keys:
        raise ProviderUnavailable("the provider's key set holds no key that can be used")
    return KeySet(keys)


def check_id_token(
    token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, access_token: str, now: float
) -> dict[str, Any]:
    """The claims of an ID token that is this provider's, for this client and this sign-in, and not expired.

    Args:
        token: as the token endpoint sent it.
        keys: the provider's.
        nonce: what this sign-in began with.
        access_token: what came along; ``at_hash`` is held against it.
        now: in seconds since 1970.

    Raises:
        UnknownKey: another look at the provider's keys may help.
        SignInRefused: says what is wrong with it.
    """
    try:
        decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
            {"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        for name in ("sub", "nonce", "azp", "at_hash"):
            if not isinstance(claims.get(name, ""), str):
                raise SignInRefused(f"the provider's ID token is not taken: its {name} is no text")
        if not claims.get("sub"):
            raise SignInRefused("the provider's ID token is not taken: it names nobody")
        claims.validate(int(now), LEEWAY_S)
    except (InvalidKeyIdError, BadSignatureError) as error:
        raise UnknownKey("the provider's ID token is not signed with a key of its own") from error
    except ExpiredTokenError as error:
        raise SignInRefused(
            "the provider's ID token has expired; do the clocks of this host and the provider agree?"
        ) from error
    except JoseError as error:
        told = error.description or error.error
        raise SignInRefused(f"the provider's ID token is not taken: {told}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise SignInRefused(f"the provider's ID token is not one: {error}") from error
    return dict(claims)
