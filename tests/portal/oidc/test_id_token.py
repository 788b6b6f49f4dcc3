"""What of an ID token is checked: everything."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import KeySet, OctKey

from libvirt_webrtc.errors import ProviderUnavailable, SignInRefused
from libvirt_webrtc.portal.oidc.id_token import LEEWAY_S, UnknownKey, check_id_token, parse_keys
from tests.portal.oidc.forger import (
    ACCESS_TOKEN,
    ANOTHER_KEY,
    CLIENT,
    EC_KEY,
    RSA_KEY,
    access_token_hash,
    sign,
    unsigned,
)

ISSUER = "https://id.example.org"
NONCE = "the-nonce"
NOW = int(time.time())
KEYS = parse_keys(KeySet([RSA_KEY, EC_KEY]).as_dict(private=False))
RIGHT = {"iss": ISSUER, "aud": CLIENT, "sub": "4711", "exp": NOW + 300, "iat": NOW, "nonce": NONCE}


def check(token: str, keys: KeySet = KEYS) -> dict[str, Any]:
    return check_id_token(
        token, keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, access_token=ACCESS_TOKEN, now=NOW
    )


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**RIGHT, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    "token",
    [
        sign(RIGHT),
        sign(RIGHT, EC_KEY, "ES256"),
        sign(RIGHT, RSA_KEY, "PS256"),
        sign(changed(aud=[CLIENT, "other"], azp=CLIENT)),
        sign(changed(at_hash=access_token_hash())),
        sign(changed(exp=NOW - LEEWAY_S + 5, iat=NOW + LEEWAY_S - 5)),
    ],
)
def test_a_right_token_is_taken(token: str) -> None:
    assert check(token)["sub"] == "4711"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": []},
        {"aud": None},
        {"aud": [CLIENT, "another"]},  # without azp
        {"azp": "another-client"},
        {"exp": NOW - LEEWAY_S - 5},
        {"exp": "never"},
        {"exp": None},
        {"iat": NOW + LEEWAY_S + 5},
        {"iat": None},
        {"nbf": NOW + LEEWAY_S + 5},
        {"nonce": "another"},
        {"nonce": ["the-nonce"]},
        {"nonce": None},
        {"at_hash": access_token_hash("another")},
        {"at_hash": {}},
        {"sub": None},
        {"sub": ""},
        {"sub": 4711},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused) as error:
        check(sign(changed(**changes)))
    assert not isinstance(error.value, UnknownKey)


def signed_with_the_public_key(claims: dict[str, Any]) -> str:
    """An old trick: the provider's public key, taken for a secret that is shared with it. The library forges none."""
    header = {"alg": "HS256", "kid": "rsa"}
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(RSA_KEY.as_pem(private=False), b".".join(parts), "sha256")
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    "make",
    [
        lambda: unsigned(RIGHT),
        lambda: sign(RIGHT, OctKey.import_key("x" * 64, {"kid": "rsa"}), "HS256"),
        lambda: signed_with_the_public_key(RIGHT),
        lambda: sign(RIGHT, RSA_KEY, kid="ec"),  # the key is not one for this algorithm
        lambda: sign(RIGHT, ANOTHER_KEY),
        lambda: sign(RIGHT, ANOTHER_KEY, kid="rsa"),
        lambda: sign(RIGHT, kid=None),  # and there are two keys
        lambda: sign(RIGHT)[:-8] + "AAAAAAAA",
        lambda: sign(RIGHT).rpartition(".")[0] + ".",
        lambda: "",
        lambda: "a.b.c",
        lambda: "ü",
        lambda: sign(RIGHT, crit=["b64"], b64=False),
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(make: Callable[[], str]) -> None:
    with pytest.raises(SignInRefused):
        check(make())


def test_a_single_key_needs_no_name() -> None:
    assert check(sign(RIGHT, kid=None), parse_keys(KeySet([RSA_KEY]).as_dict(private=False)))["sub"] == "4711"


def test_keys_of_unknown_kinds_are_left_out() -> None:
    listed: list[Any] = [{"kty": "ML-DSA", "kid": "new"}, {"kty": "RSA"}, {"kty": "EC", "crv": "x"}, 7, None]
    listed += KeySet([RSA_KEY]).as_dict(private=False)["keys"]
    assert [key.kid for key in parse_keys({"keys": listed})] == ["rsa"]


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": "rsa"}, {"keys": [{"kty": "RSA"}]}])
def test_a_set_without_keys_is_the_providers_fault(document: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable):
        parse_keys(document)
