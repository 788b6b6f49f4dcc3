"""What the list tells while guests are given their consoles; libvirt is acted here."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from libvirt_webrtc.domains.managed_save import OnProgress, Phase, Progress
from libvirt_webrtc.errors import CannotAttach, HypervisorError
from libvirt_webrtc.service import attach_jobs as module
from libvirt_webrtc.service.attach_jobs import AttachJobs
from tests.media.helpers import until

URI = "test:///default"


class Act:
    """Stands for :mod:`libvirt_webrtc.domains.attach`; its save ends when it is told to, or cancelled."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.error: Exception | None = None
        self.follow: OnProgress | None = None
        self.go_on = threading.Event()
        self.done = 0
        self.finished: list[str] = []

    def check(self, uri: str | None, uuid: str) -> None:
        if self.refusal is not None:
            raise self.refusal

    def attach(self, uri: str, uuid: str, follow: OnProgress, cancelled: threading.Event) -> None:
        self.follow = follow
        while not self.go_on.wait(0.01):
            if cancelled.is_set():
                raise HypervisorError("cancelled")
        if self.error is not None:
            raise self.error
        self.done += 1

    def finish(self, uri: str, uuid: str) -> None:
        self.finished.append(uuid)


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Act:
    acted = Act()
    monkeypatch.setattr(module, "check", acted.check)
    monkeypatch.setattr(module, "attach", acted.attach)
    monkeypatch.setattr(module, "finish", acted.finish)
    return acted


@pytest.fixture
async def jobs(act: Act, tmp_path: Path) -> AsyncIterator[AttachJobs]:
    made = AttachJobs(URI, tmp_path / "notes", lambda: None)
    yield made
    await made.close()


def is_over(jobs: AttachJobs) -> Callable[[], bool]:
    return lambda: jobs.progress("u") is None


async def test_progress_is_told_until_it_is_done(jobs: AttachJobs, act: Act) -> None:
    assert jobs.progress("u") is None
    await jobs.begin("u")
    assert jobs.progress("u") == "the guest is about to be saved"
    await until(lambda: act.follow is not None)
    assert act.follow is not None
    for progress, text in (
        (Progress(Phase.SAVING, None), "the guest's memory is being saved"),
        (Progress(Phase.SAVING, 42), "the guest's memory is being saved, 42 %"),
        (Progress(Phase.STARTING, None), "the guest is being started again"),
    ):
        await asyncio.to_thread(act.follow, progress)
        await until(lambda: jobs.progress("u") == text)  # noqa: B023
    with pytest.raises(CannotAttach, match="already"):
        await jobs.begin("u")
    act.go_on.set()
    await until(is_over(jobs))
    assert act.done == 1 and jobs.failure("u") is None


async def test_refusal_is_the_callers_and_leaves_nothing(jobs: AttachJobs, act: Act) -> None:
    act.refusal = CannotAttach("no")
    with pytest.raises(CannotAttach, match="no"):
        await jobs.begin("u")
    assert jobs.progress("u") is None and jobs.failure("u") is None


@pytest.mark.parametrize(
    "error", [HypervisorError("the disk is full"), ZeroDivisionError("the disk is full")]
)
async def test_failure_is_told_until_the_next_try(jobs: AttachJobs, act: Act, error: Exception) -> None:
    act.error = error
    act.go_on.set()
    await jobs.begin("u")
    await until(is_over(jobs))
    assert "the disk is full" in (jobs.failure("u") or "")
    act.error = None
    await jobs.begin("u")
    assert jobs.failure("u") is None
    await until(is_over(jobs))
    assert act.done == 1


async def test_closing_cancels_a_save_and_waits(jobs: AttachJobs, act: Act) -> None:
    await jobs.begin("u")
    await jobs.close()
    assert jobs.progress("u") is None
    assert jobs.failure("u") == "cancelled"
    await jobs.close()


async def test_note_is_kept_as_long_as_it_takes(jobs: AttachJobs, act: Act, tmp_path: Path) -> None:
    await jobs.begin("u")
    assert (tmp_path / "notes" / "u").read_text() == URI
    act.go_on.set()
    await until(is_over(jobs))
    assert not list((tmp_path / "notes").iterdir())


async def test_without_a_note_nothing_is_begun(jobs: AttachJobs, tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(CannotAttach, match="no note"):
        await jobs.begin("u")
    assert jobs.progress("u") is None


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "not-utf-8": lambda note: note.write_bytes(b"\xff\xfe"),
    "folder": lambda note: note.mkdir(),
    "read-error": lambda note: note.symlink_to("/proc/1/mem"),
    "loop": lambda note: note.symlink_to(note.name),
    "pipe": lambda note: os.mkfifo(note),
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_an_unreadable_note_is_logged_and_left_and_the_others_are_gone_through(
    jobs: AttachJobs, act: Act, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    UNREADABLE[kind](notes / "a")
    (notes / "u").write_text(URI)
    jobs.finish_interrupted()
    await until(is_over(jobs))
    assert act.finished == ["u"]
    assert [note.name for note in notes.iterdir()] == ["a"]
    assert f"{notes}/a is passed over" in caplog.text


async def test_a_folder_of_notes_that_is_none_does_not_stop_the_service(
    jobs: AttachJobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jobs.finish_interrupted()
    assert not caplog.text
    (tmp_path / "notes").touch()
    jobs.finish_interrupted()
    assert "cannot see which guests" in caplog.text


async def test_a_note_that_cannot_be_removed_does_not_keep_its_job(
    jobs: AttachJobs, act: Act, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await jobs.begin("u")
    (tmp_path / "notes" / "u").unlink()
    (tmp_path / "notes" / "u").mkdir()
    act.go_on.set()
    await until(is_over(jobs))
    assert "the note on domain u stays" in caplog.text


async def test_notes_of_a_killed_process_are_gone_through(jobs: AttachJobs, act: Act, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for name, uri in (("u", URI), ("elsewhere", "test:///other"), ("old", URI)):
        (notes / name).write_text(uri)
    os.utime(notes / "old", (0, 0))
    jobs.finish_interrupted()
    await until(is_over(jobs))
    assert act.finished == ["u"]
    assert [note.name for note in notes.iterdir()] == ["elsewhere"]
