"""Waiting for what libvirt still does with a guest."""

import threading
from typing import cast

import pytest

from libvirt_webrtc.domains import managed_save
from libvirt_webrtc.domains.libvirt_api import JOB_NONE, VirDomain
from libvirt_webrtc.domains.managed_save import Phase, Progress, save, wait_until_idle


class FakeDomain:
    """A running guest, at which libvirt is busy at these looks, and not afterwards; a job that is aborted is over."""

    def __init__(self, *busy: bool) -> None:
        self.looks = 0
        self.aborted = 0
        self._busy = list(busy)

    def isActive(self) -> int:
        return 1

    def jobInfo(self) -> list[int]:
        self.looks += 1
        return [JOB_NONE + 1 if self._busy and self._busy.pop(0) else JOB_NONE]

    def abortJob(self) -> int:
        self.aborted += 1
        self._busy.clear()
        return 0


def waited(domain: FakeDomain, cancelled: threading.Event | None = None) -> FakeDomain:
    wait_until_idle(cast(VirDomain, domain), cancelled)
    return domain


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed_save, "POLL_S", 0.0)


def test_a_job_that_begins_only_now_is_waited_for() -> None:
    """A call whose connection broke may still wait for its turn."""
    domain = waited(FakeDomain(False, False, False, True, True))
    assert (domain.looks, domain.aborted) == (9, 0)


def test_a_job_is_ended_only_where_that_is_wanted() -> None:
    cancelled = threading.Event()
    assert waited(FakeDomain(True, True), cancelled).aborted == 0
    cancelled.set()
    assert waited(FakeDomain(True, True), cancelled).aborted == 1


def test_a_save_that_is_cancelled_before_it_begins_does_not_begin() -> None:
    """Whoever cancels and was not told that it begins may take it that nothing happens."""
    told: list[Progress] = []
    cancelled = threading.Event()

    def tell(progress: Progress) -> None:
        told.append(progress)
        cancelled.set()

    assert save(cast(VirDomain, object()), tell, cancelled) == "cancelled"
    assert told == [Progress(Phase.SAVING, None)]
