"""Checks of the API tokens and share links that were handed out."""

from collections.abc import Iterator
from pathlib import Path

from libvirt_webrtc.config.share import ShareConfig
from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.errors import StateError
from libvirt_webrtc.portal.issued.api_tokens import DAY_S, ApiTokens
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.share_links import ShareLinks

WARN_S = 7 * DAY_S
"""How long before its end a token is warned of."""


def check_issued(folder: Path, share: ShareConfig) -> Iterator[Finding]:
    """Tell how many live, which end soon, and whether the files in the state folder can be used."""
    clocks = Clocks.of_system()
    try:
        tokens = ApiTokens(folder, clocks).file.read()
    except StateError as error:
        yield problem("api tokens", f"{error}. Until then no API token counts", "mend the file as it says")
    else:
        lefts = {token.name: left for token in tokens if (left := token.life.left(clocks)) > 0}
        yield ok("api tokens", f"{len(lefts)} in force")
        for name in (name for name, left in lefts.items() if left < WARN_S):
            text = f"{name} ends in {lefts[name] / DAY_S:.1f} days"
            yield warning("api tokens", text, "libvirt-webrtc token create a new one, and revoke this one")
    try:
        links = ShareLinks(folder, clocks).file.read()
    except StateError as error:
        yield problem(
            "share links", f"{error}. Until then no link opens anything", "mend the file as it says"
        )
        return
    alive = sum(link.life.left(clocks) > 0 for link in links)
    if share.longest_s:
        yield ok("share links", f"{alive} in force; they live for {share.longest_hours:g} hours at most")
    else:
        yield ok("share links", "none are made: longest_hours of [share] is 0")
