"""Save a guest with libvirt's managed save, and start it again with another XML. Blocking.

Everything here can meet a connection that breaks while libvirtd, and the job that it does, go on: the caller connects
anew, and :func:`wait_until_idle` waits for that job before anybody judges what became of the guest.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from libvirt_webrtc.domains.advice import in_quotes, on_domain
from libvirt_webrtc.domains.definition.adding import add_dbus_display, remove_dbus_display
from libvirt_webrtc.domains.definition.display import Gl, find_dbus_display
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.libvirt_api import JOB_NONE, SAVED_XML_SECURE, VirDomain, our_errors
from libvirt_webrtc.errors import DomainXMLError, HypervisorError, HypervisorUnavailable

POLL_S = 0.2
"""Seconds between two looks at how far a job is."""

IDLE_LOOKS = 4
"""How many looks in a row without a job mean that there is none. One is not enough: a call whose connection broke may
still wait for its turn in libvirtd."""


class Phase(StrEnum):
    """The step that is being done."""

    SAVING = "saving"
    """The guest's memory goes to disk; can be cancelled, and the guest goes on."""
    CANCELLING = "cancelling"
    """The save is being given up."""
    STARTING = "starting"
    """It comes back, in a new QEMU."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attach is; ``str`` gives a sentence for people."""

    phase: Phase
    percent: int | None
    """Of the memory that is to be saved; None where libvirt does not tell."""

    def __str__(self) -> str:
        if self.phase is Phase.STARTING:
            return "the guest is being started again"
        if self.phase is Phase.CANCELLING:
            return "the save is being cancelled, the guest goes on"
        percent = "" if self.percent is None else f", {self.percent} %"
        return f"the guest's memory is being saved{percent}"


OnProgress = Callable[[Progress], None]
"""Called in some thread."""


def save(domain: VirDomain, on_progress: OnProgress, cancelled: threading.Event) -> str | None:
    """Save a running or paused guest; takes as long as writing its memory. ``cancelled``, once set, ends the save.

    Returns why it could not be saved, and the guest goes on then; None where it is saved.

    Raises:
        HypervisorUnavailable: the connection broke; libvirt may go on saving.
    """
    over = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(domain, on_progress, cancelled, over), name="libvirt-save-progress", daemon=True
    )
    on_progress(Progress(Phase.SAVING, None))
    # In this order: who sets it before it is told that the save begins can be sure that it does not begin.
    if cancelled.is_set():
        return "cancelled"
    watcher.start()
    try:
        with our_errors("it could not be saved"):
            domain.managedSave(0)
        return None
    except HypervisorUnavailable:
        raise
    except HypervisorError as error:
        return "cancelled" if cancelled.is_set() else str(error)
    finally:
        over.set()
        watcher.join()


def wait_until_idle(domain: VirDomain, cancelled: threading.Event | None = None) -> None:
    """Wait until libvirt does nothing with the domain any more. ``cancelled``, once set, ends its job.

    Raises HypervisorUnavailable where the connection breaks.
    """
    idle = 0
    while idle < IDLE_LOOKS:
        try:
            with our_errors("cannot follow the job"):
                if not domain.isActive():
                    return
                busy = domain.jobInfo()[0] != JOB_NONE
                if busy and cancelled is not None and cancelled.is_set():
                    domain.abortJob()
        except HypervisorUnavailable:
            raise
        except HypervisorError:
            busy = True  # the guest has just stopped, or the job is at a point where it cannot be ended
        idle = 0 if busy else idle + 1
        time.sleep(POLL_S)


def bring_back(domain: VirDomain, gl: Gl | None) -> str | None:
    """See that the guest runs, and with the display unless ``gl`` is None.

    Returns why it runs without the display; None where it is as wanted.

    Raises:
        HypervisorError: it does not run; says how to start it.
        HypervisorUnavailable: the connection broke. Another try is safe.
    """
    name = domain.name()
    start = in_quotes(on_domain("virsh start", name))
    with our_errors(f"'{name}' is saved, and cannot be started again; {start} tries once more"):
        if not domain.isActive():
            if not domain.hasManagedSaveImage():
                raise HypervisorError(
                    f"'{name}' was stopped by somebody else meanwhile; nothing of it is saved"
                )
            problem = _start(domain, gl)
            if problem is not None:
                return problem
        if gl is not None and find_dbus_display(Document.parse(domain.XMLDesc(0))) is None:
            return "somebody else started it again, or a hook took the display out"
    return None


def _watch(
    domain: VirDomain, on_progress: OnProgress, cancelled: threading.Event, over: threading.Event
) -> None:
    while not over.wait(POLL_S):
        try:
            with our_errors("cannot follow the save"):
                _, _, _, total, _, remaining, *_ = domain.jobInfo()
                if total:
                    # Not what was processed: QEMU counts empty pages in the total only.
                    on_progress(Progress(Phase.SAVING, round(100 * (total - remaining) / total)))
                if cancelled.is_set():
                    domain.abortJob()
                    on_progress(Progress(Phase.CANCELLING, None))
                    return
        except HypervisorError:
            continue  # the job has just ended, or is at a point where it cannot: the save itself tells


def _start(domain: VirDomain, gl: Gl | None) -> str | None:
    """Start a saved domain with the display; where that fails, without it, and say why."""
    saved = Document.parse(domain.managedSaveGetXMLDesc(SAVED_XML_SECURE))
    problem = None
    if gl is not None:
        try:
            with our_errors("it did not start with the display"):
                domain.managedSaveDefineXML(add_dbus_display(saved, gl=gl).text(), 0)
                domain.create()
            return None
        except HypervisorUnavailable:
            raise
        except (HypervisorError, DomainXMLError) as error:
            problem = str(error)
    # At a second try after a lost connection, what was saved may have the display already.
    domain.managedSaveDefineXML(remove_dbus_display(saved).text(), 0)
    domain.create()
    return problem
