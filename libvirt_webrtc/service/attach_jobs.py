"""The guests that are being given their console right now, and what came of it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.domains.attach import Progress, attach, check, finish
from libvirt_webrtc.errors import CannotAttach, HypervisorError

log = logging.getLogger(__name__)

RECENT_S = 3600.0
"""Notes that are older say nothing any more: whoever missed the guest has started it, and may have saved it again."""


@dataclass(slots=True)
class _Attachment:
    reason: str = "the guest is about to be saved"
    cancelled: threading.Event = field(default_factory=threading.Event)
    task: asyncio.Task[None] | None = None


class Attaching:
    """Runs :func:`libvirt_webrtc.domains.attach.attach` for the supervisor; ``on_change`` says that there is news.

    ``notes`` is a folder for a note on each guest for as long as it takes: where this process is killed meanwhile,
    the next one reads them in :meth:`finish_interrupted`, so that no guest stays saved.
    """

    def __init__(self, uri: str, notes: Path, on_change: Callable[[], None]) -> None:
        self._uri = uri
        self._notes = notes
        self._on_change = on_change
        self._running: dict[str, _Attachment] = {}
        self._failures: dict[str, str] = {}

    def progress(self, uuid: str) -> str | None:
        """How far a domain is; None where nothing is being done."""
        attachment = self._running.get(uuid)
        return attachment.reason if attachment is not None else None

    def failure(self, uuid: str) -> str | None:
        """Why the last try failed, until the next one."""
        return self._failures.get(uuid)

    def forget(self, uuid: str) -> None:
        """The domain has a console: what failed before does not matter any more."""
        self._failures.pop(uuid, None)

    async def begin(self, uuid: str) -> None:
        """Check, then attach on its own. Raises CannotAttach, NoSuchDomain, HypervisorError."""
        if uuid in self._running:
            raise CannotAttach("it is being given its console already")
        attachment = self._running[uuid] = _Attachment()
        try:
            await in_thread(partial(check, self._uri, uuid))
            self._write_note(uuid)
        except BaseException:
            del self._running[uuid]
            raise
        self.forget(uuid)
        loop = asyncio.get_running_loop()

        def follow(progress: Progress) -> None:
            loop.call_soon_threadsafe(self._tell, attachment, str(progress))

        self._start(uuid, attachment, partial(attach, self._uri, uuid, follow, attachment.cancelled))

    def finish_interrupted(self) -> None:
        """See to the guests that a process before this one was killed over. Needs a running loop."""
        for note in self._notes.glob("*"):
            if time.time() - note.stat().st_mtime > RECENT_S:
                note.unlink()
            elif note.read_text() == self._uri:
                log.warning("domain %s: going on with what a killed process began", note.name)
                attachment = self._running[note.name] = _Attachment("the guest is being started again")
                self._start(note.name, attachment, partial(finish, self._uri, note.name))

    async def close(self) -> None:
        """Cancel what is still being saved, and wait until every guest runs again."""
        for attachment in self._running.values():
            attachment.cancelled.set()
        if tasks := [each.task for each in self._running.values() if each.task is not None]:
            await asyncio.wait(tasks)

    def _start(self, uuid: str, attachment: _Attachment, work: Callable[[], None]) -> None:
        attachment.task = asyncio.create_task(self._run(uuid, work), name=f"attach {uuid}")
        self._on_change()

    async def _run(self, uuid: str, work: Callable[[], None]) -> None:
        try:
            await in_thread(work)
            log.info("domain %s has been given its console", uuid)
        except HypervisorError as error:
            log.warning("domain %s: %s", uuid, error)
            self._failures[uuid] = str(error)
        except Exception as bug:
            log.exception("domain %s: unexpected", uuid)
            self._failures[uuid] = f"unexpected: {bug!r}"
        finally:
            (self._notes / uuid).unlink(missing_ok=True)
            del self._running[uuid]
            self._on_change()

    def _write_note(self, uuid: str) -> None:
        try:
            self._notes.mkdir(parents=True, exist_ok=True)
            (self._notes / uuid).write_text(self._uri)
        except OSError as error:
            raise CannotAttach(f"no note can be kept on it meanwhile: {error}") from error

    def _tell(self, attachment: _Attachment, reason: str) -> None:
        if attachment.reason != reason:
            attachment.reason = reason
            self._on_change()
