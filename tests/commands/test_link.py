"""``libvirt-webrtc link`` as a process."""

import json
import subprocess
from pathlib import Path

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.share_links import FILE_NAME, ShareLinks
from tests.commands.running import run_command

UUID = "11111111-2222-3333-4444-555555555555"


def link(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return run_command(folder, "link", *arguments, status=status)


def test_links_are_listed_without_their_secret_and_taken_back_by_id(tmp_path: Path) -> None:
    links = ShareLinks(tmp_path, Clocks.of_system())
    ann = User("ann\u202e", Method.PAM)
    made, secret = links.create(UUID, Role.CONTROL, 3600, ann, once=True)
    kept, _ = links.create(UUID, Role.VIEW, 3600, ann, once=False)

    listed = link(tmp_path, "list").stdout
    assert made.id in listed and "ann\\u202e" in listed and "never" in listed and UUID in listed
    assert secret not in listed and made.hash not in listed
    shown = json.loads(link(tmp_path, "list", "--json").stdout)[0]
    assert shown.pop("ends") - shown.pop("made") == 3600
    assert shown == {
        "id": made.id,
        "domain": UUID,
        "role": "control",
        "once": True,
        "owner": {"name": ann.name, "method": "pam"},
        "ended": False,
        "opened": None,
    }
    assert link(tmp_path, "revoke", made.id).stdout == f"revoked {made.id}\n"
    assert links.file.read() == [kept]
    assert f"there is no link {made.id!r}" in link(tmp_path, "revoke", made.id, status=2).stderr


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.touch(0o600)
    path.write_text('{"version": 1, "records": [')
    for arguments in (["list"], ["revoke", "0123abcd"]):
        assert f"{path} is damaged" in link(tmp_path, *arguments, status=1).stderr
