"""Attach runs in the service: what is being attached, how far it is, and why the last try failed."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.domains.attach import attach, check, finish
from libvirt_webrtc.domains.managed_save import Progress
from libvirt_webrtc.errors import CannotAttach, HypervisorError
from libvirt_webrtc.service.attach_notes import AttachNotes

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    reason: str = "the guest is about to be saved"
    cancelled: threading.Event = field(default_factory=threading.Event)


class AttachJobs:
    """Runs :func:`libvirt_webrtc.domains.attach.attach` for the supervisor.

    Args:
        uri: the libvirt to attach at.
        notes: the folder in which a note is kept on each guest for as long as its job takes. Where this process is
            killed meanwhile, the next one reads them in :meth:`finish_interrupted`, so that no guest stays saved.
        on_change: called when progress, failures or the set of jobs have changed.
    """

    def __init__(self, uri: str, notes: Path, on_change: Callable[[], None]) -> None:
        self._uri = uri
        self._notes = AttachNotes(notes)
        self._on_change = on_change
        self._jobs: dict[str, _Job] = {}
        self._failures: dict[str, str] = {}
        self._tasks = TaskSet()

    def progress(self, uuid: str) -> str | None:
        """How far a domain's job is, in words; None where there is no job."""
        job = self._jobs.get(uuid)
        return job.reason if job is not None else None

    def failure(self, uuid: str) -> str | None:
        """Why the domain's last job failed, until the next one begins."""
        return self._failures.get(uuid)

    def forget(self, uuid: str) -> None:
        """Forget a failure: the domain has a console now."""
        self._failures.pop(uuid, None)

    async def begin(self, uuid: str) -> None:
        """Check that a domain can be attached, then start the job, which goes on by itself.

        Raises CannotAttach, NoSuchDomain or HypervisorError, and nothing was touched then.
        """
        if uuid in self._jobs:
            raise CannotAttach("it is being given its console already")
        job = self._jobs[uuid] = _Job()
        try:
            await in_thread(partial(check, self._uri, uuid))
            self._notes.write(uuid, self._uri)
        except BaseException:
            del self._jobs[uuid]
            raise
        self.forget(uuid)
        loop = asyncio.get_running_loop()

        def follow(progress: Progress) -> None:
            loop.call_soon_threadsafe(self._tell, job, str(progress))

        self._start(uuid, partial(attach, self._uri, uuid, follow, job.cancelled))

    def finish_interrupted(self) -> None:
        """Start the jobs that bring back guests which a killed process left saved. Needs a running loop."""
        for uuid in self._notes.recent(self._uri):
            log.warning("domain %s: going on with what a killed process began", uuid)
            self._jobs[uuid] = _Job("the guest is being started again")
            self._start(uuid, partial(finish, self._uri, uuid))

    async def close(self) -> None:
        """Cancel what is still being saved, and wait until every guest runs again. Idempotent.

        Takes as long as libvirt takes to abort a save, or to restore a guest.
        """
        for job in self._jobs.values():
            job.cancelled.set()
        await self._tasks.join()

    def _start(self, uuid: str, work: Callable[[], None]) -> None:
        self._tasks.start(
            self._run(uuid, work), name=f"attach job of domain {uuid}", on_failure=partial(self._failed, uuid)
        )
        self._on_change()

    async def _run(self, uuid: str, work: Callable[[], None]) -> None:
        try:
            await in_thread(work)
            log.info("domain %s has been given its console", uuid)
        except HypervisorError as error:
            log.warning("domain %s: %s", uuid, error)
            self._failures[uuid] = str(error)
        finally:
            self._notes.remove(uuid)
            del self._jobs[uuid]
            self._on_change()

    def _failed(self, uuid: str, error: Exception) -> None:
        self._failures[uuid] = f"an unexpected error: {error!r}"
        self._on_change()

    def _tell(self, job: _Job, reason: str) -> None:
        if job.reason != reason:
            job.reason = reason
            self._on_change()
