"""Check of ``[[access]]``: whether everybody who can sign in may see something."""

from collections.abc import Iterator

from libvirt_webrtc.config.access_rules import access_gaps
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.doctor.findings import Finding, ok, warning


def check_access(config: Config) -> Iterator[Finding]:
    """Yield one finding for each gap, or that there is none."""
    gaps = list(access_gaps(config.access, config.sign_in.methods))
    for gap in gaps:
        yield warning("access", gap, "correct [[access]] or [sign_in] methods; docs/install.md has examples")
    if not gaps and config.access:
        yield ok(
            "access", f"[[access]] has {len(config.access)} entries; whoever has the token may do everything"
        )
    elif not gaps:
        yield ok("access", "whoever has the token may do everything, and nobody else may sign in")
