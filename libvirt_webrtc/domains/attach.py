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
from functools import partial

from libvirt_webrtc.domains.actions import check_emulator
from libvirt_webrtc.domains.advice import in_quotes, on_domain
from libvirt_webrtc.domains.asking import ask, connected
from libvirt_webrtc.domains.definition.adding import add_dbus_display
from libvirt_webrtc.domains.definition.display import Gl, find_dbus_display
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.saved import takes_another_display
from libvirt_webrtc.domains.libvirt_api import (
    JOB_NONE,
    STATE_PAUSED,
    STATE_RUNNING,
    XML_INACTIVE,
    XML_SECURE,
    VirConnect,
    VirDomain,
    lookup,
    our_errors,
)
from libvirt_webrtc.domains.managed_save import (
    OnProgress,
    Phase,
    Progress,
    bring_back,
    save,
    wait_until_idle,
)
from libvirt_webrtc.errors import CannotAttach, DomainXMLError, HypervisorError, HypervisorUnavailable

RECONNECT_S = 60.0
"""Seconds for which a libvirtd that went away meanwhile is waited for."""
CHECK_S = 20.0
"""Limit for :func:`check`, in seconds: somebody waits for a page that gives up after 30."""
RECONNECT_POLL_S = 0.5
"""Seconds between two attempts to connect to it."""


def check(uri: str | None, name_or_uuid: str) -> None:
    """Check whether :func:`attach` can work; changes nothing.

    Raises CannotAttach with the reason where it cannot, NoSuchDomain or HypervisorError.
    """
    with connected(uri) as connection:
        ask(lambda: _check(connection, lookup(connection, name_or_uuid)), CHECK_S)


def attach(
    uri: str | None,
    name_or_uuid: str,
    on_progress: OnProgress,
    cancelled: threading.Event | None = None,
) -> None:
    """Give a running or paused domain its console; its definition stays as it is.

    Takes as long as writing and reading the guest's memory. Where the connection to libvirt breaks meanwhile, it
    connects anew, waits for what libvirt is still doing, and goes on from there.

    Args:
        uri: the libvirt to connect to; None is its own default.
        name_or_uuid: the domain.
        on_progress: called in some thread.
        cancelled: once set, ends a save that is in progress; afterwards it is too late for anything but going on.

    Raises:
        CannotAttach, NoSuchDomain: before anything was touched.
        HypervisorError: something failed or was cancelled; the text says what became of the guest.
    """
    cancelled = cancelled or threading.Event()
    with connected(uri) as connection:
        domain, gl = ask(lambda: _found(connection, name_or_uuid))
        uuid, name = domain.UUIDString(), domain.name()
        lost = problem = None
        try:
            problem = save(domain, on_progress, cancelled)
        except HypervisorUnavailable as error:
            lost = str(error)
        del domain  # it would keep the connection open
    if lost is not None:
        problem = _patiently(uri, uuid, partial(_outcome, lost, cancelled), interrupted=cancelled)
    if problem is None:
        on_progress(Progress(Phase.STARTING, None))
    wanted = gl if problem is None else None
    problem = _patiently(uri, uuid, lambda domain: bring_back(domain, wanted)) or problem
    if problem is not None:
        raise HypervisorError(f"'{name}' goes on as it was, without a console: {problem}")


def finish(uri: str | None, uuid: str) -> None:
    """Bring a guest back whose :func:`attach` was interrupted because its process was killed.

    Raises NoSuchDomain; HypervisorError where the guest runs without its console, or does not run.
    """
    problem = _patiently(uri, uuid, lambda domain: bring_back(domain, Gl.OFF), interrupted=threading.Event())
    if problem is not None:
        raise HypervisorError(f"it goes on as it was, without a console: {problem}")


def _outcome(lost: str, cancelled: threading.Event, domain: VirDomain) -> str | None:
    """What became of a save whose connection broke and whose job is over: as :func:`save` returns it."""
    with our_errors("cannot see whether it was saved"):
        if not domain.isActive():
            return None
    return "cancelled" if cancelled.is_set() else lost


def _patiently(
    uri: str | None,
    uuid: str,
    work: Callable[[VirDomain], str | None],
    *,
    interrupted: threading.Event | None = None,
) -> str | None:
    """What ``work`` returns on a connection of its own; it is done anew where libvirt goes away under it.

    ``interrupted`` is given where libvirt may be busy with the domain from before. That is waited for, and ended where
    the event is set.
    """
    deadline = time.monotonic() + RECONNECT_S
    while True:
        try:
            with connected(uri) as connection:
                if interrupted is not None:
                    began = time.monotonic()
                    wait_until_idle(lookup(connection, uuid), interrupted)
                    deadline += time.monotonic() - began
                return work(lookup(connection, uuid))
        except HypervisorUnavailable as error:
            if time.monotonic() > deadline:
                raise HypervisorError(
                    f"{error}; if the guest was saved, 'virsh start {uuid}' lets it go on where it was"
                ) from error
            interrupted = interrupted or threading.Event()
            time.sleep(RECONNECT_POLL_S)


def _found(connection: VirConnect, name_or_uuid: str) -> tuple[VirDomain, Gl]:
    domain = lookup(connection, name_or_uuid)
    return domain, _check(connection, domain)


def _check(connection: VirConnect, domain: VirDomain) -> Gl:
    """Raise CannotAttach where the domain cannot be attached; returns the ``gl`` that its display is to have."""
    with our_errors(f"cannot read domain '{domain.name()}'"):
        if domain.state()[0] not in (STATE_RUNNING, STATE_PAUSED):
            raise CannotAttach(f"domain '{domain.name()}' is not running: enable it and start it")
        if domain.jobInfo()[0] != JOB_NONE:
            see = in_quotes(on_domain("virsh domjobinfo", domain.name()))
            raise CannotAttach(f"libvirt is busy with domain '{domain.name()}': see {see}")
        if not domain.isPersistent():
            raise CannotAttach(
                f"domain '{domain.name()}' is transient: libvirt saves persistent domains only; "
                "put the display into the XML that it is created from ('libvirt-webrtc xml add')"
            )
        try:
            live = Document.parse(domain.XMLDesc(XML_SECURE))
            definition = Document.parse(domain.XMLDesc(XML_INACTIVE | XML_SECURE))
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


def _refuse_what_cannot_be_saved(live: Document) -> None:
    """Raise CannotAttach for what is known to prevent a save. libvirt and QEMU refuse the rest, without harm."""
    if find_dbus_display(live) is not None:
        raise CannotAttach("it already has its display")
    if not takes_another_display(live):
        raise CannotAttach(
            "it has no video device, and libvirt would give it one, which a saved guest cannot take: "
            "shut it down and start it"
        )
    root = live.root
    if (
        root.find("devices/hostdev") is not None
        or root.find("devices/interface[@type='hostdev']") is not None
    ):
        raise CannotAttach(
            "it uses a device of the host (<hostdev>): it cannot be saved; shut it down and start it"
        )
    if root.find("devices/video/model/acceleration[@accel3d='yes']") is not None:
        raise CannotAttach("it uses 3D acceleration (virgl): it cannot be saved; shut it down and start it")
