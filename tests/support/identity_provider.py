"""A real OpenID provider, Canaille, as a process of its own: accounts, a login page, PKCE, sign-out."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.support.waiting import wait_until

CLIENT_ID = "the-portal"
CLIENT_SECRET = "the-portals-secret"
GROUP = "operators"
USER, PASSWORD = "alice", "correct horse battery"
"""Somebody in the group."""
STRANGER = "mallory"
"""With the same password, and in no group."""

STOP_S = 15.0


class IdentityProvider:
    """Serves on a port of localhost, until :meth:`close`.

    Attributes:
        issuer: its name and where it serves.
    """

    def __init__(self, folder: Path, port: int, portal: str) -> None:
        """Start it on ``port``, with one client whose pages are at the URL ``portal``. Returns when it serves."""
        self.issuer = f"http://localhost:{port}"
        self._log = folder / "identity-provider.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.identity_provider", str(port), portal],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
            )
        wait_until(self._serves, "the identity provider serves", 60.0)

    def close(self) -> None:
        """Be away from now on. Idempotent."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(STOP_S)

    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    def _serves(self) -> bool:
        assert self._process.poll() is None, f"the identity provider ended:\n{self.log()}"
        try:
            with urllib.request.urlopen(
                f"{self.issuer}/.well-known/openid-configuration", timeout=5
            ) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, TimeoutError):
            return False


def main(port: int, portal: str) -> None:
    """Serve until SIGTERM."""
    # What only this process needs.
    from canaille import create_app
    from canaille.app import models
    from canaille.backends import Backend
    from joserfc.jwk import RSAKey
    from werkzeug.serving import run_simple

    key = RSAKey.generate_key(2048)
    key.ensure_kid()
    app = create_app(
        config={
            "SECRET_KEY": os.urandom(16).hex(),
            "PREFERRED_URL_SCHEME": "http",
            "SERVER_NAME": f"localhost:{port}",
            "CANAILLE": {
                "DATABASE": "memory",
                "JAVASCRIPT": False,
                "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}},
            },
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
        },
        env_file=None,
    )
    with app.app_context():
        people = [
            models.User(
                user_name=name, family_name=name.title(), emails=[f"{name}@example.org"], password=PASSWORD
            )
            for name in (USER, STRANGER)
        ]
        for user in people:
            Backend.instance.save(user)
        Backend.instance.save(models.Group(display_name=GROUP, members=people[:1]))
        client = models.Client(
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            client_name="Consoles",
            client_uri=portal,
            redirect_uris=[f"{portal}/login/oidc/callback"],
            post_logout_redirect_uris=[f"{portal}/login"],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "email", "groups"],
            token_endpoint_auth_method="client_secret_basic",
        )
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    run_simple("localhost", port, app, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
