"""What is printed when the portal serves."""

from pathlib import Path

import pytest

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.portal.announcement import announce
from tests.portal.fakes import TOKEN


def test_the_token_is_printed_where_no_file_keeps_it(capsys: pytest.CaptureFixture[str]) -> None:
    announce(Config(), TOKEN, None)
    assert TOKEN in capsys.readouterr().out
    announce(Config(token_file=Path("/elsewhere")), TOKEN, None)
    assert TOKEN not in (told := capsys.readouterr().out) and "/elsewhere" in told


@pytest.mark.parametrize("file", [None, Path("/elsewhere")])
def test_a_token_that_nobody_signs_in_with_is_not_told(
    capsys: pytest.CaptureFixture[str], file: Path | None
) -> None:
    announce(Config(token_file=file, sign_in=SignInConfig(("pam",))), TOKEN, None)
    assert capsys.readouterr().out == "Portal: http://127.0.0.1:8080/\n"
