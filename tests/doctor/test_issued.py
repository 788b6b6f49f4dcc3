from pathlib import Path

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.share import ShareConfig
from libvirt_webrtc.doctor.issued import check_issued
from libvirt_webrtc.hook.check import Level
from libvirt_webrtc.portal.auth.user import TOKEN_USER
from libvirt_webrtc.portal.issued.api_tokens import ApiTokens
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.share_links import ShareLinks
from tests.portal.fakes import UUID


def told(folder: Path, share: ShareConfig | None = None) -> list[tuple[Level, str, str]]:
    found = check_issued(folder, share or ShareConfig())
    return [(finding.level, finding.subject, finding.text) for finding in found]


def test_tells_what_is_in_force_and_which_token_ends_soon(tmp_path: Path) -> None:
    assert told(tmp_path, ShareConfig(0)) == [
        (Level.OK, "api tokens", "0 in force"),
        (Level.OK, "share links", "none are made: longest_hours of [share] is 0"),
    ]
    clocks = Clocks.of_system()
    for name, days in (("long", 30.0), ("short", 2.5)):
        ApiTokens(tmp_path, clocks).create(name, Role.VIEW, ["*"], days)
    ShareLinks(tmp_path, clocks).create(UUID, Role.VIEW, 600, TOKEN_USER, once=False)
    assert told(tmp_path) == [
        (Level.OK, "api tokens", "2 in force"),
        (Level.WARNING, "api tokens", "short ends in 2.5 days"),
        (Level.OK, "share links", "1 in force; they live for 168 hours at most"),
    ]


def test_files_that_cannot_be_used_are_problems(tmp_path: Path) -> None:
    clocks = Clocks.of_system()
    ApiTokens(tmp_path, clocks).create("ci", Role.VIEW, ["*"], 1)
    ShareLinks(tmp_path, clocks).create(UUID, Role.VIEW, 600, TOKEN_USER, once=False)
    for path in tmp_path.glob("*.json"):
        path.chmod(0o644)
    (token, link) = told(tmp_path)
    assert token[:2] == (Level.PROBLEM, "api tokens") and "chmod 600" in token[2]
    assert link[:2] == (Level.PROBLEM, "share links") and "no link opens anything" in link[2]
