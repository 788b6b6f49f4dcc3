"""Counts of registrations outlive the service, and nothing else."""

from pathlib import Path

import pytest

from libvirt_webrtc.config import state_files
from libvirt_webrtc.service.registration_counts import RegistrationCounts

URI = "test:///default"


def opened(folder: Path, uri: str = URI) -> RegistrationCounts:
    return RegistrationCounts(folder, uri)


def test_a_count_is_that_of_one_run_of_one_domain(tmp_path: Path) -> None:
    opened(tmp_path / "new").of("u", 3).tell(7)
    again = opened(tmp_path / "new")
    assert [again.of("u", 3).used, again.of("u", 4).used, again.of("v", 3).used] == [7, 0, 0]


def test_fewer_are_not_believed(tmp_path: Path) -> None:
    count = opened(tmp_path).of("u", 3)
    count.tell(7)
    count.tell(6)
    assert count.used == 7 and opened(tmp_path).of("u", 3).used == 7


def test_a_run_that_is_over_is_forgotten(tmp_path: Path) -> None:
    """libvirt may give its number to a later run, after its own restart."""
    counts = opened(tmp_path)
    counts.of("u", 3).tell(7)
    counts.of("v", 4).tell(8)
    counts.keep([("v", 4)])
    assert [counts.of("u", 3).used, counts.of("v", 4).used] == [0, 8]
    assert [path.name for path in tmp_path.iterdir()] == ["v"]
    opened(tmp_path).keep([])
    assert not list(tmp_path.iterdir())


def test_another_boot_counts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path).of("u", 3).tell(7)
    boot = tmp_path / "boot_id"
    boot.write_text("another\n")
    monkeypatch.setattr(state_files, "BOOT_ID", boot)
    assert opened(tmp_path).of("u", 3).used == 0
    assert not (tmp_path / "u").exists()


def test_domains_of_another_libvirt_are_left_alone(tmp_path: Path) -> None:
    opened(tmp_path).of("u", 3).tell(7)
    other = opened(tmp_path, "test:///other")
    assert other.of("u", 3).used == 0
    other.keep([])
    assert opened(tmp_path).of("u", 3).used == 7


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", '{"run": 3}', "\xff", '{"run": "3", "used": null}'])
def test_what_cannot_be_read_counts_as_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "u").write_bytes(text.encode("latin-1"))
    (tmp_path / "folder").mkdir()
    counts = opened(tmp_path)
    assert counts.of("u", 3).used == 0
    counts.of("u", 3).tell(1)
    assert opened(tmp_path).of("u", 3).used == 1


def test_what_cannot_be_written_still_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    counts = opened(tmp_path / "file")
    count = counts.of("u", 3)
    count.tell(5)
    assert count.used == counts.of("u", 3).used == 5
    assert "not kept" in caplog.text
