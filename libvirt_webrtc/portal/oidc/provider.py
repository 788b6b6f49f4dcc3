"""One OpenID provider: where to send somebody who wants to sign in, and who it is that comes back."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import KeySet

from libvirt_webrtc.config.oidc import OidcConfig
from libvirt_webrtc.errors import ProviderUnavailable, SignInRefused
from libvirt_webrtc.portal.auth.session import Clock
from libvirt_webrtc.portal.oidc.claims import groups_of, is_complete, name_of
from libvirt_webrtc.portal.oidc.http import ProviderHttp
from libvirt_webrtc.portal.oidc.id_token import UnknownKey, check_id_token, parse_keys
from libvirt_webrtc.portal.oidc.kept import KeptDocument
from libvirt_webrtc.portal.oidc.metadata import ProviderMetadata, discovery_url, parse_metadata
from libvirt_webrtc.portal.oidc.pending import PendingLogin

IDENTIFY_S = 8.0
"""For all questions to the provider that one sign-in takes. A page gives a request up after 10 s."""

MAX_HINT = 4096
"""Characters of an ID token that goes into an address. Servers refuse longer addresses, as tokens with many groups make
them; without it the provider asks its user who signs out."""


@dataclass(frozen=True, slots=True)
class OidcIdentity:
    """Who somebody is, by the provider's word."""

    name: str
    groups: frozenset[str]
    id_token: str
    """Tells the provider later whose session to end."""


class OidcProvider:
    """Talks to the provider of ``config``, from the first question to :meth:`close`.

    Args:
        config: the provider's and the client's names.
        client_secret: None for a public client.
        clock: seconds that never jump.
    """

    def __init__(self, config: OidcConfig, client_secret: str | None, clock: Clock = time.monotonic) -> None:
        self._config = config
        self._secret = client_secret
        self._http = ProviderHttp()
        self._metadata = KeptDocument(self._discover, clock)
        self._keys = KeptDocument(self._fetch_keys, clock)

    async def authorization_url(self, pending: PendingLogin) -> str:
        """Where to send a browser. May be cancelled.

        Raises:
            ProviderUnavailable: the provider does not say.
        """
        metadata = await self._metadata.get()
        url: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self._config.client_id,
            "code",
            pending.redirect_uri,
            list(self._config.scopes),
            pending.state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256",
        )
        return url

    async def identify(self, pending: PendingLogin, code: str, issuer: str | None) -> OidcIdentity:
        """Who came back from the provider with ``code``. Takes ``IDENTIFY_S`` at most; may be cancelled.

        ``issuer`` is what the provider sent as its name; None where it sent none.

        Raises:
            ProviderUnavailable: the provider does not answer, or not as it must.
            SignInRefused: the provider does not take the code, or what it says of the user is not taken.
        """
        try:
            async with asyncio.timeout(IDENTIFY_S):
                return await self._identify(pending, code, issuer)
        except TimeoutError as error:
            raise ProviderUnavailable(f"the provider did not answer within {IDENTIFY_S:g} s") from error

    async def sign_out_url(self, id_token: str | None, back: str) -> str | None:
        """Where to send a browser to end its session at the provider too; None: the provider has no such place.

        Args:
            id_token: whose session; None where it is not known any more: the provider asks its user then.
            back: where the provider sends the browser afterwards.
        """
        if not self._config.provider_sign_out:
            return None
        try:
            endpoint = (await self._metadata.get()).end_session_endpoint
        except ProviderUnavailable:
            return None  # nothing to sign out from, as far as can be known
        if endpoint is None:
            return None
        asked = {"client_id": self._config.client_id, "post_logout_redirect_uri": back}
        if id_token is not None and len(id_token) <= MAX_HINT:
            asked["id_token_hint"] = id_token
        url: str = add_params_to_uri(endpoint, list(asked.items()))
        return url

    async def close(self) -> None:
        """End all connections. Idempotent."""
        await self._http.close()

    async def _identify(self, pending: PendingLogin, code: str, issuer: str | None) -> OidcIdentity:
        metadata = await self._metadata.get()
        if issuer != metadata.issuer and (issuer is not None or metadata.names_itself):
            raise SignInRefused(f"this answer is of the provider {issuer!r}, not of {metadata.issuer!r}")
        tokens = await self._exchange(metadata, pending, code)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise ProviderUnavailable(
                "the provider sent no ID token; is this client allowed the scope openid?"
            )
        claims = await self._check(id_token, access_token, pending.nonce)
        if metadata.userinfo_endpoint is not None and not is_complete(claims, self._config):
            claims = {
                **await self._userinfo(metadata.userinfo_endpoint, access_token, claims["sub"]),
                **claims,
            }
        return OidcIdentity(name_of(claims, self._config), groups_of(claims, self._config), id_token)

    async def _exchange(
        self, metadata: ProviderMetadata, pending: PendingLogin, code: str
    ) -> Mapping[str, Any]:
        """The code for tokens (RFC 6749, section 4.1.3)."""
        if self._secret is None:
            method = "none"
        else:
            method = "client_secret_basic" if metadata.takes_basic else "client_secret_post"
        body = prepare_token_request(
            "authorization_code", redirect_uri=pending.redirect_uri, code=code, code_verifier=pending.verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        auth = ClientAuth(self._config.client_id, self._secret, method)
        url, headers, body = auth.prepare("POST", metadata.token_endpoint, headers, body)
        answer = await self._http.ask("POST", url, body=body, headers=headers)
        if answer.status == 200:
            return answer.content
        problem = answer.content.get("error")
        if problem == "invalid_grant":
            raise SignInRefused("the provider does not take this code: sign in again")
        raise ProviderUnavailable(
            f"the provider's token endpoint answers with status {answer.status}"
            + (
                f" and {problem!r}: are client_id and client_secret_file right?"
                if problem is not None
                else ""
            )
        )

    async def _check(self, id_token: str, access_token: str, nonce: str) -> dict[str, Any]:
        check = partial(
            check_id_token,
            id_token,
            issuer=self._config.issuer,
            client_id=self._config.client_id,
            nonce=nonce,
            access_token=access_token,
            now=time.time(),
        )
        keys = await self._keys.get()
        try:
            return check(keys)
        except UnknownKey:
            newer = await self._keys.get_newer(keys)
            if newer is keys:
                raise
            return check(newer)

    async def _userinfo(self, url: str, access_token: str, subject: str) -> dict[str, Any]:
        """Claims that the ID token does not have (OpenID Connect Core 1.0, section 5.3)."""
        found = await self._http.get(url, {"Authorization": f"Bearer {access_token}"})
        if found.get("sub") != subject:
            raise SignInRefused("the provider's user information is of somebody else")
        return found

    async def _discover(self) -> ProviderMetadata:
        return parse_metadata(await self._http.get(discovery_url(self._config.issuer)), self._config.issuer)

    async def _fetch_keys(self) -> KeySet:
        return parse_keys(await self._http.get((await self._metadata.get()).jwks_uri))
