"""What the list tells while guests are given their consoles; libvirt is acted here."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from libvirt_webrtc.domains.attach import OnProgress, Phase, Progress
from libvirt_webrtc.errors import CannotAttach, HypervisorError
from libvirt_webrtc.service import attach_jobs as module
from libvirt_webrtc.service.attach_jobs import Attaching
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
async def attaching(act: Act, tmp_path: Path) -> AsyncIterator[Attaching]:
    made = Attaching(URI, tmp_path / "notes", lambda: None)
    yield made
    await made.close()


def is_over(attaching: Attaching) -> Callable[[], bool]:
    return lambda: attaching.progress("u") is None


async def test_progress_is_told_until_it_is_done(attaching: Attaching, act: Act) -> None:
    assert attaching.progress("u") is None
    await attaching.begin("u")
    assert attaching.progress("u") == "the guest is about to be saved"
    await until(lambda: act.follow is not None)
    assert act.follow is not None
    for progress, text in (
        (Progress(Phase.SAVING, None), "the guest's memory is being saved"),
        (Progress(Phase.SAVING, 42), "the guest's memory is being saved, 42 %"),
        (Progress(Phase.STARTING, None), "the guest is being started again"),
    ):
        await asyncio.to_thread(act.follow, progress)
        await until(lambda: attaching.progress("u") == text)  # noqa: B023
    with pytest.raises(CannotAttach, match="already"):
        await attaching.begin("u")
    act.go_on.set()
    await until(is_over(attaching))
    assert act.done == 1 and attaching.failure("u") is None


async def test_refusal_is_the_callers_and_leaves_nothing(attaching: Attaching, act: Act) -> None:
    act.refusal = CannotAttach("no")
    with pytest.raises(CannotAttach, match="no"):
        await attaching.begin("u")
    assert attaching.progress("u") is None and attaching.failure("u") is None


@pytest.mark.parametrize(
    "error", [HypervisorError("the disk is full"), ZeroDivisionError("the disk is full")]
)
async def test_failure_is_told_until_the_next_try(attaching: Attaching, act: Act, error: Exception) -> None:
    act.error = error
    act.go_on.set()
    await attaching.begin("u")
    await until(is_over(attaching))
    assert "the disk is full" in (attaching.failure("u") or "")
    act.error = None
    await attaching.begin("u")
    assert attaching.failure("u") is None
    await until(is_over(attaching))
    assert act.done == 1


async def test_closing_cancels_a_save_and_waits(attaching: Attaching, act: Act) -> None:
    await attaching.begin("u")
    await attaching.close()
    assert attaching.progress("u") is None
    assert attaching.failure("u") == "cancelled"
    await attaching.close()


async def test_note_is_kept_as_long_as_it_takes(attaching: Attaching, act: Act, tmp_path: Path) -> None:
    await attaching.begin("u")
    assert (tmp_path / "notes" / "u").read_text() == URI
    act.go_on.set()
    await until(is_over(attaching))
    assert not list((tmp_path / "notes").iterdir())


async def test_without_a_note_nothing_is_begun(attaching: Attaching, tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(CannotAttach, match="no note"):
        await attaching.begin("u")
    assert attaching.progress("u") is None


async def test_notes_of_a_killed_process_are_gone_through(
    attaching: Attaching, act: Act, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for name, uri in (("u", URI), ("elsewhere", "test:///other"), ("old", URI)):
        (notes / name).write_text(uri)
    os.utime(notes / "old", (0, 0))
    attaching.finish_interrupted()
    await until(is_over(attaching))
    assert act.finished == ["u"]
    assert [note.name for note in notes.iterdir()] == ["elsewhere"]
