"""The ways of signing in, as the login page offers them."""

from dataclasses import dataclass
from typing import Any

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.oidc import DEFAULT_LABEL

TOKEN_PRINTED = "The server prints the token when it starts."
TOKEN_IN_FILE = "The token is in a file on the server, which names that file when it starts."
"""Where a file keeps the token. Not everybody is told which one."""
SYSTEM_USER = "With your user name and password on this host."


@dataclass(frozen=True, slots=True)
class OfferedMethod:
    """One way of signing in."""

    method: str
    """As ``[sign_in] methods`` names it."""
    text: str
    """What the page says of it; where there is ``href``, what stands on the button."""
    href: str | None = None
    """Where it begins, seen from the login page; None where the page has a form for it."""

    def as_json(self) -> dict[str, Any]:
        """One entry of ``GET /api/sign-in``."""
        return {"method": self.method, "text": self.text} | ({"href": self.href} if self.href else {})


def offered_methods(config: Config) -> list[OfferedMethod]:
    """What the settings say, in their order."""
    oidc = config.sign_in.oidc
    offers = (
        OfferedMethod("token", TOKEN_PRINTED if config.token_file is None else TOKEN_IN_FILE),
        OfferedMethod("pam", SYSTEM_USER),
        OfferedMethod("oidc", DEFAULT_LABEL if oidc is None else oidc.label, "login/oidc"),
        OfferedMethod("proxy", "Sign in as your proxy knows you", "login/proxy/begin"),
    )
    by_name = {offer.method: offer for offer in offers}
    return [by_name[method] for method in config.sign_in.methods]
