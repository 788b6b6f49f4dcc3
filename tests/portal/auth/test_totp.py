"""The file of second factors, and the codes."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.auth.totp import FILE_NAME, TotpFile

NOW = 1_800_000_015.0
"""In the middle of a step."""
STEP_S = 30


@pytest.fixture
def file(tmp_path: Path) -> TotpFile:
    return TotpFile(tmp_path / FILE_NAME)


def enroll(file: TotpFile, user: str = "alice") -> Callable[[float], str]:
    """Enrolls; what makes the user's code of a time."""
    secret = parse_qs(urlsplit(file.enroll(user)).query)["secret"][0]
    return lambda when: pyotp.TOTP(secret).at(int(when))


def test_enrolling_gives_an_address_that_authenticator_apps_take(file: TotpFile, tmp_path: Path) -> None:
    address = urlsplit(file.enroll("alice"))
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path) == f"/libvirt-webrtc:alice@{os.uname().nodename}"
    query = parse_qs(address.query)
    assert query["issuer"] == ["libvirt-webrtc"] and re.fullmatch("[A-Z2-7]{32}", query["secret"][0])
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert file.users() == ["alice"] and file.has("alice") and not file.has("bob")


def test_who_has_one_keeps_it_until_it_is_removed(file: TotpFile) -> None:
    code_at = enroll(file)
    with pytest.raises(ConfigError, match="totp remove alice, first"):
        file.enroll("alice")
    assert file.use("alice", code_at(NOW), NOW)
    assert file.remove("alice") and not file.remove("alice")
    assert not file.use("alice", code_at(NOW + STEP_S), NOW + STEP_S)


def test_names_are_any_text(file: TotpFile) -> None:
    code_at = enroll(file, "DOMAIN\\jürgen 😀")
    assert file.use("DOMAIN\\jürgen 😀", code_at(NOW), NOW)


@pytest.mark.parametrize(("late_s", "right"), [(-50, False), (-30, True), (0, True), (30, True), (50, False)])
def test_a_code_is_taken_a_step_early_or_late(file: TotpFile, late_s: float, right: bool) -> None:
    code_at = enroll(file)
    assert file.use("alice", code_at(NOW), NOW + late_s) is right


def test_no_code_is_taken_twice_nor_one_before_it(tmp_path: Path, file: TotpFile) -> None:
    code_at = enroll(file)
    assert file.use("alice", code_at(NOW), NOW)
    again = TotpFile(tmp_path / FILE_NAME)  # as after a restart
    assert not again.use("alice", code_at(NOW), NOW)
    assert not again.use("alice", code_at(NOW - STEP_S), NOW)
    assert again.use("alice", code_at(NOW + STEP_S), NOW + STEP_S)


def test_of_many_at_the_same_time_one_is_taken(file: TotpFile) -> None:
    code = enroll(file)(NOW)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: file.use("alice", code, NOW), range(16)))
    assert taken.count(True) == 1


@pytest.mark.parametrize("code", ["", "123", "1234567", "１２３４５６", "\udfff", "x" * 10_000])
def test_what_is_no_code_is_wrong(file: TotpFile, code: str) -> None:
    enroll(file)
    assert not file.use("alice", code, NOW)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 2, "users": {}}', '{"version": 1, "users": {"a": 1}}']
)
def test_a_file_that_is_not_understood_is_no_empty_one(file: TotpFile, tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    for ask in (file.users, lambda: file.has("alice"), lambda: file.use("alice", "1", NOW)):
        with pytest.raises(ConfigError, match=FILE_NAME):
            ask()
    assert (tmp_path / FILE_NAME).read_text() == text
