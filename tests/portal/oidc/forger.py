"""An OpenID provider that sends whatever a test wants: what a real one cannot be made to do."""

import time
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OctKey, RSAKey

from libvirt_webrtc.config.oidc import OidcConfig
from libvirt_webrtc.portal.listener import SHUTDOWN_TIMEOUT_S

CLIENT = "the-portal"
ACCESS_TOKEN = "an-access-token"
CODE = "the-code"

Claims = dict[str, Any]

RSA_KEY = RSAKey.generate_key(2048, {"kid": "rsa"})
EC_KEY = ECKey.generate_key("P-256", {"kid": "ec"})
ANOTHER_KEY = RSAKey.generate_key(2048, {"kid": "another"})


def sign(claims: Claims, key: Key = RSA_KEY, algorithm: str = "RS256", **header: Any) -> str:
    """An ID token. Whatever the algorithm, it is well-formed."""
    fields = {"alg": algorithm, "kid": key.kid, **header}
    sent = {name: value for name, value in fields.items() if value is not None}
    return jwt.encode(sent, claims, key, algorithms=[algorithm])


def access_token_hash(token: str = ACCESS_TOKEN) -> str:
    """What an ID token has of the access token that comes along."""
    found = create_half_hash(token, "RS256")
    assert found is not None
    return found.decode()


def unsigned(claims: Claims) -> str:
    """An ID token that says of itself that it needs no signature."""
    with warnings.catch_warnings(action="ignore"):  # the library says that nobody should
        return jwt.encode({"alg": "none"}, claims, OctKey.import_key("x" * 32), algorithms=["none"])


class Forger:
    """Serves on a free port of 127.0.0.1.

    Attributes:
        config: of the portal that is its client.
        changes: claims on top of the right ones; None takes one away.
        forge: makes the ID token of the claims.
        metadata: on top of the right discovery document; None takes a part away.
        token_answer: in place of the right one.
        userinfo: what it says of whoever has the access token.
        keys: that it publishes.
        asked: the paths of all requests, in order.
        forms: what came to the token endpoint, with the header Authorization.
        nonce: what the next ID token has.
        date: of the answer to discovery, in place of the right one.
    """

    def __init__(self) -> None:
        self.changes: Claims = {}
        self.forge: Callable[[Claims], str] = sign
        self.metadata: dict[str, Any] = {}
        self.token_answer: web.Response | None = None
        self.userinfo: dict[str, Any] | None = None
        self.keys: list[Key] = [RSA_KEY, EC_KEY]
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.nonce = ""
        self.date: str | None = None
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        self._runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
        self.issuer = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.issuer = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Be away from now on."""
        await self._runner.cleanup()

    @property
    def config(self) -> OidcConfig:
        return OidcConfig(self.issuer, CLIENT)

    def claims(self) -> Claims:
        """What the next ID token says."""
        now = int(time.time())
        right = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "4711",
            "exp": now + 300,
            "iat": now,
            "nonce": self.nonce,
            "at_hash": access_token_hash(),
            "preferred_username": "alice",
            "groups": ["staff", "ops"],
        }
        return {name: value for name, value in {**right, **self.changes}.items() if value is not None}

    async def _discovery(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        right = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/end",
        }
        sent = {name: value for name, value in {**right, **self.metadata}.items() if value is not None}
        return web.json_response(sent, headers={} if self.date is None else {"Date": self.date})

    async def _keys(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.json_response(KeySet(self.keys).as_dict(private=False))

    async def _token(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append({**form, "Authorization": request.headers.get("Authorization", "")})
        if self.token_answer is not None:
            return self.token_answer
        tokens = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": self.forge(self.claims())}
        return web.json_response(tokens)

    async def _userinfo(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        assert request.headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"
        return web.json_response(self.userinfo)
