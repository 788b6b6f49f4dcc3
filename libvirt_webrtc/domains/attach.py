"""Give a running guest its console without a reboot: save it, add the display to what was saved, start it again.

Blocking; an asyncio program calls it in a thread. QEMU takes no further display while it runs, so that the guest
moves into a new QEMU: libvirt's managed save, then ``virDomainManagedSaveDefineXML`` on the image (libvirt 3.7;
tried on 9.0 and 11.3, system and session: the ABI check compares what the guest sees, and a display is not among
that), then a start, which restores. A paused guest stays paused: the image says what it was.

Whatever fails, the guest goes on without the display, and the error says why: a failed save leaves it running
(libvirt sees to that), a failed start is tried again with the XML that was saved. Until it runs again its state is
the domain's managed save, which ``virsh start`` restores, even where this process is killed in between.
"""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from libvirt_webrtc.domains.actions import check_emulator
from libvirt_webrtc.domains.definition.saved import takes_another_display
from libvirt_webrtc.domains.definition.xml import Gl, add_dbus_display, find_dbus_display, remove_dbus_display
from libvirt_webrtc.domains.libvirt_api import (
    JOB_NONE,
    SAVED_XML_SECURE,
    STATE_PAUSED,
    STATE_RUNNING,
    XML_INACTIVE,
    XML_SECURE,
    VirConnect,
    VirDomain,
    lookup,
    open_connection,
    our_errors,
)
from libvirt_webrtc.errors import CannotAttach, DomainXMLError, HypervisorError, HypervisorUnavailable

POLL_S = 0.2
"""Between two looks at how far the save is."""

RECONNECT_S = 60.0
"""How long a libvirtd that went away in between is waited for."""
RECONNECT_POLL_S = 0.5


class Phase(StrEnum):
    """What is being done."""

    SAVING = "saving"
    """The guest's memory goes to disk; can be cancelled, and the guest goes on."""
    CANCELLING = "cancelling"
    """The save is being given up."""
    STARTING = "starting"
    """It comes back, in a new QEMU."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    phase: Phase
    percent: int | None
    """None where nobody knows."""

    def __str__(self) -> str:
        if self.phase is Phase.STARTING:
            return "the guest is being started again"
        if self.phase is Phase.CANCELLING:
            return "the save is being cancelled, the guest goes on"
        percent = "" if self.percent is None else f", {self.percent} %"
        return f"the guest's memory is being saved{percent}"


OnProgress = Callable[[Progress], None]


def check(uri: str | None, name_or_uuid: str) -> None:
    """Raises CannotAttach with the reason, NoSuchDomain or HypervisorError; touches nothing."""
    with closing(open_connection(uri)) as connection:
        _check(connection, lookup(connection, name_or_uuid))


def attach(
    uri: str | None,
    name_or_uuid: str,
    on_progress: OnProgress,
    cancelled: threading.Event | None = None,
) -> None:
    """Give a running or paused domain its console; its definition stays as it is.

    ``on_progress`` is called in some thread. ``cancelled``, once set, ends a save that is in progress; afterwards it
    is too late for anything but going on.

    Raises CannotAttach or NoSuchDomain before anything was touched; HypervisorError where something failed or was
    cancelled, and its text says what became of the guest.
    """
    with closing(open_connection(uri)) as connection:
        domain = lookup(connection, name_or_uuid)
        gl = _check(connection, domain)
        uuid, name = domain.UUIDString(), domain.name()
        problem = _save(domain, on_progress, cancelled or threading.Event())
        del domain
    if problem is None:
        on_progress(Progress(Phase.STARTING, None))
    wanted = gl if problem is None else None
    problem = _patiently(uri, uuid, lambda domain: _bring_back(domain, wanted)) or problem
    if problem is not None:
        raise HypervisorError(f"'{name}' goes on as it was, without a console: {problem}")


def finish(uri: str | None, uuid: str) -> None:
    """Do the rest for a process that was killed while it attached. Raises HypervisorError, NoSuchDomain."""

    def work(domain: VirDomain) -> str | None:
        while _is_being_saved(domain):  # libvirt does that to its end
            time.sleep(POLL_S)
        return _bring_back(domain, Gl.OFF)

    if (problem := _patiently(uri, uuid, work)) is not None:
        raise HypervisorError(f"it goes on as it was, without a console: {problem}")


def _patiently(uri: str | None, uuid: str, work: Callable[[VirDomain], str | None]) -> str | None:
    """What ``work`` gives, which is done anew where libvirt goes away under it."""
    deadline = time.monotonic() + RECONNECT_S
    while True:
        try:
            with closing(open_connection(uri)) as connection:
                return work(lookup(connection, uuid))
        except HypervisorUnavailable as error:
            if time.monotonic() > deadline:
                raise HypervisorError(
                    f"{error}; if the guest was saved, 'virsh start {uuid}' lets it go on where it was"
                ) from error
            time.sleep(RECONNECT_POLL_S)


def _is_being_saved(domain: VirDomain) -> bool:
    with our_errors("cannot follow the save"):
        return domain.state()[0] == STATE_PAUSED and domain.jobInfo()[0] != JOB_NONE


# Before.


def _check(connection: VirConnect, domain: VirDomain) -> Gl:
    """How the display is to be added."""
    with our_errors(f"cannot read domain '{domain.name()}'"):
        if domain.state()[0] not in (STATE_RUNNING, STATE_PAUSED):
            raise CannotAttach(f"domain '{domain.name()}' is not running: enable it and start it")
        if domain.jobInfo()[0] != JOB_NONE:
            raise CannotAttach(f"libvirt is busy with domain '{domain.name()}': see 'virsh domjobinfo'")
        if not domain.isPersistent():
            raise CannotAttach(
                f"domain '{domain.name()}' is transient: libvirt saves persistent domains only; "
                "put the display into the XML that it is created from ('libvirt-webrtc xml add')"
            )
        live, definition = domain.XMLDesc(XML_SECURE), domain.XMLDesc(XML_INACTIVE | XML_SECURE)
        try:
            _refuse_what_cannot_be_saved(live)
            display = find_dbus_display(definition)
            gl = Gl.ON if display is not None and display.gl else Gl.OFF
            add_dbus_display(live, gl=gl)
            if display is None:
                add_dbus_display(definition)
            check_emulator(connection, live)
        except (CannotAttach, HypervisorUnavailable):
            raise
        except (DomainXMLError, HypervisorError) as error:
            raise CannotAttach(str(error)) from error
    return gl


def _refuse_what_cannot_be_saved(live: str) -> None:
    """What is known beforehand; libvirt and QEMU know more, and refuse the save without harm."""
    display = find_dbus_display(live)
    if display is not None:
        raise CannotAttach("it already has its display")
    if not takes_another_display(live):
        raise CannotAttach(
            "it has no video device, and libvirt would give it one, which a saved guest cannot take: "
            "shut it down and start it"
        )
    root = etree.fromstring(live.encode())
    if (
        root.find("devices/hostdev") is not None
        or root.find("devices/interface[@type='hostdev']") is not None
    ):
        raise CannotAttach(
            "it uses a device of the host (<hostdev>): it cannot be saved; shut it down and start it"
        )
    if root.find("devices/video/model/acceleration[@accel3d='yes']") is not None:
        raise CannotAttach("it uses 3D acceleration (virgl): it cannot be saved; shut it down and start it")


# The save.


def _save(domain: VirDomain, on_progress: OnProgress, cancelled: threading.Event) -> str | None:
    """Why it could not be saved, else None; libvirt lets the guest go on then."""
    over = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(domain, on_progress, cancelled, over), name="libvirt-save-progress", daemon=True
    )
    on_progress(Progress(Phase.SAVING, None))
    watcher.start()
    try:
        with our_errors("it could not be saved"):
            domain.managedSave(0)
        return None
    except HypervisorError as error:
        return "cancelled" if cancelled.is_set() else str(error)
    finally:
        over.set()
        watcher.join()


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


# And back.


def _bring_back(domain: VirDomain, gl: Gl | None) -> str | None:
    """See that the guest runs, and with the display unless ``gl`` is None; why it is without, else None.

    Raises HypervisorError where it does not run; HypervisorUnavailable is worth another try.
    """
    name = domain.name()
    with our_errors(f"'{name}' is saved, and cannot be started again; 'virsh start {name}' tries once more"):
        if not domain.isActive():
            if not domain.hasManagedSaveImage():
                raise HypervisorError(
                    f"'{name}' was stopped by somebody else meanwhile; nothing of it is saved"
                )
            problem = _start(domain, gl)
            if problem is not None:
                return problem
        if gl is not None and find_dbus_display(domain.XMLDesc(0)) is None:
            return "somebody else started it again, or a hook took the display out"
    return None


def _start(domain: VirDomain, gl: Gl | None) -> str | None:
    """Start a saved domain with the display; where that fails, without it, and say why."""
    saved = domain.managedSaveGetXMLDesc(SAVED_XML_SECURE)
    problem = None
    if gl is not None:
        try:
            with our_errors("it did not start with the display"):
                domain.managedSaveDefineXML(add_dbus_display(saved, gl=gl), 0)
                domain.create()
            return None
        except HypervisorUnavailable:
            raise
        except (HypervisorError, DomainXMLError) as error:
            problem = str(error)
    # At a second try after a lost connection, what was saved may have the display already.
    domain.managedSaveDefineXML(remove_dbus_display(saved), 0)
    domain.create()
    return problem
