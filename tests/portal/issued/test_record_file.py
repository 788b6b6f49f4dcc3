"""The files of tokens and links: two writers, damage, other people's rights."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from libvirt_webrtc.errors import StateError
from libvirt_webrtc.portal.issued import record_file
from libvirt_webrtc.portal.issued.record_file import RecordFile
from tests.portal.issued.writer import Word, add


@pytest.fixture
def file(tmp_path: Path) -> RecordFile[Word]:
    return RecordFile(tmp_path / "state" / "words.json", Word)


def test_what_is_written_comes_back_and_is_for_its_owner_only(file: RecordFile[Word]) -> None:
    assert file.read() == [] and file.version() is None
    before = os.umask(0)
    try:
        add(file, "grün \u202e")
    finally:
        os.umask(before)
    assert file.read() == [Word("grün \u202e")]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.path.parent.iterdir()} == {0o600}


def test_each_change_is_another_version_and_no_change_is_none(file: RecordFile[Word]) -> None:
    add(file, "a")
    first = file.version()
    with file.changing():
        pass
    assert file.version() == first
    with file.changing() as words:
        words[0] = Word("b")
    assert file.version() not in (first, None)


def test_an_error_while_changing_changes_nothing(file: RecordFile[Word]) -> None:
    add(file, "a")
    with pytest.raises(ZeroDivisionError), file.changing() as words:
        words.clear()
        raise ZeroDivisionError
    assert file.read() == [Word("a")]


def test_processes_that_write_at_the_same_time_lose_nothing(file: RecordFile[Word]) -> None:
    command = [sys.executable, "-m", "tests.portal.issued.writer", str(file.path)]
    writers = [subprocess.Popen([*command, name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert {word.text for word in file.read()} == {
        f"{name}{number}" for name in "abc" for number in range(25)
    }


def test_a_writer_that_hangs_is_not_waited_for_without_end(
    file: RecordFile[Word], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_file, "LOCK_WAIT_S", 0.1)
    inside, go = threading.Event(), threading.Event()

    def hang() -> None:
        with file.changing():
            inside.set()
            go.wait(60)

    other = threading.Thread(target=hang)
    other.start()
    try:
        assert inside.wait(60)
        with pytest.raises(StateError, match="another process has been writing"):
            add(file, "a")
    finally:
        go.set()
        other.join()
    add(file, "a")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"version": 1, "records": [{"te',
        b"[]",
        b"\xff",
        b"{}",
        b'{"version": 2, "records": []}',
        b'{"version": 1}',
        b'{"version": 1, "records": [{"text": 1}]}',
        b'{"version": 1, "records": [{"text": "a", "more": 1}]}',
        b'{"version": 1, "records": [' + b" " * record_file.SIZE_LIMIT + b"]}",
    ],
)
def test_a_damaged_file_is_an_error_and_is_kept(file: RecordFile[Word], content: bytes) -> None:
    add(file, "a")
    file.path.write_bytes(content)
    with pytest.raises(StateError, match="damaged.*Move it away"):
        file.read()
    with pytest.raises(StateError, match="damaged"):
        add(file, "b")
    assert file.path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777])
def test_a_file_that_others_can_open_is_not_used(file: RecordFile[Word], mode: int) -> None:
    add(file, "a")
    file.path.chmod(mode)
    with pytest.raises(StateError, match="chmod 600"):
        file.read()
    file.path.chmod(0o600)
    assert file.read() == [Word("a")]


def test_neither_a_link_nor_somebody_elses_file_nor_a_pipe_is_followed(
    file: RecordFile[Word], tmp_path: Path
) -> None:
    add(file, "a")
    file.path.rename(tmp_path / "real")
    file.path.symlink_to(tmp_path / "real")
    with pytest.raises(StateError, match="symbolic link"):
        add(file, "b")
    file.path.unlink()
    os.mkfifo(file.path, 0o600)
    with pytest.raises(StateError, match="is no file"):
        file.read()
    if os.geteuid() == 0:
        file.path.unlink()
        (tmp_path / "real").rename(file.path)
        os.chown(file.path, 4242, 4242)
        with pytest.raises(StateError, match="another user"):
            file.read()
        os.chown(file.path.parent, 4242, 4242)  # its folder is theirs as well
        assert file.read() == [Word("a")]


def test_a_full_disk_leaves_what_was_there(file: RecordFile[Word], monkeypatch: pytest.MonkeyPatch) -> None:
    add(file, "a")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match=r"cannot write .*No space left"):
        add(file, "b")
    assert file.read() == [Word("a")]


def test_what_could_not_be_read_again_is_not_written(file: RecordFile[Word]) -> None:
    add(file, "a")
    with pytest.raises(StateError, match="would be damaged"):
        add(file, "\udfff")
    assert file.read() == [Word("a")]
