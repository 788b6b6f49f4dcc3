"""Credentials for TURN servers that end after minutes, made from a secret that this host shares with the servers.

The scheme of the TURN REST API (draft-uberti-behave-turn-rest), which coturn calls ``use-auth-secret``: the user's name
begins with the time at which it ends, and the password is the name's HMAC.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from libvirt_webrtc.config.secret_files import read_secret
from libvirt_webrtc.errors import ConfigError

LIFETIME_S = 600
"""How long a server takes credentials for a new relay, in seconds. A relay that there is goes on beyond that."""

MIN_LENGTH = 16
"""Characters of a secret. Whoever has one name and password can try secrets on a machine of their own."""


def ephemeral_credentials(secret: str, now: float) -> tuple[str, str]:
    """A new user's name and password, for one viewer.

    Args:
        secret: what the servers have as ``static-auth-secret``.
        now: seconds since 1970: the servers compare with their own clock.
    """
    username = f"{int(now) + LIFETIME_S}:{secrets.token_hex(8)}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def secret_from_table(table: dict[str, object], where: str) -> str | None:
    """What ``secret`` says, or the file that ``secret_file`` names; None where there is neither.

    Raises:
        ConfigError: says what to write, and never what stands there.
    """
    given, path = table.get("secret"), table.get("secret_file")
    if given is not None and path is not None:
        raise ConfigError(f"{where}: write 'secret' or 'secret_file', not both")
    if path is not None:
        if not isinstance(path, str):
            raise ConfigError(f"{where}.secret_file must be a path")
        name = f"{where}.secret_file"
        given = read_secret(Path(path), name)
    else:
        name = f"{where}.secret"
    if given is None:
        return None
    if not isinstance(given, str) or len(given) < MIN_LENGTH or not given.isprintable():
        raise ConfigError(
            f"{name} must be text of {MIN_LENGTH} characters at least, the static-auth-secret of the TURN server; "
            "'openssl rand -hex 32' makes one"
        )
    return given
