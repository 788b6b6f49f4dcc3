"""libvirt-python with types and with our errors; the only module that imports it.

Every function here blocks: an asyncio program calls it through :mod:`libvirt_webrtc.domains.connection`.

libvirt's events and keepalives are served by libvirt's own event loop in one daemon thread for the life of
the process. libvirtaio is not used: it adds readers to the asyncio loop from whichever thread calls libvirt.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import libvirt

from libvirt_webrtc.concurrency.threads import with_limit
from libvirt_webrtc.domains.uri import full_uri, hint
from libvirt_webrtc.errors import (
    DisplayUnusable,
    HypervisorError,
    HypervisorUnavailable,
    NoDescriptors,
    NoSuchDomain,
)

log = logging.getLogger(__name__)

XML_SECURE: int = libvirt.VIR_DOMAIN_XML_SECURE
XML_INACTIVE: int = libvirt.VIR_DOMAIN_XML_INACTIVE
SAVED_XML_SECURE: int = libvirt.VIR_DOMAIN_SAVE_IMAGE_XML_SECURE
JOB_NONE: int = libvirt.VIR_DOMAIN_JOB_NONE
STATE_RUNNING: int = libvirt.VIR_DOMAIN_RUNNING
STATE_PAUSED: int = libvirt.VIR_DOMAIN_PAUSED
EVENT_LIFECYCLE: int = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE
EVENT_METADATA_CHANGE: int = libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE
SNAPSHOT_EVENTS: frozenset[tuple[int, int]] = frozenset(
    {
        (libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT),
        (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT),
        (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT),
    }
)
"""The lifecycle events, with their details, of a domain that is set back to a snapshot."""
CLOSED_BY_CLIENT: int = libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT
CLOSE_REASONS: dict[int, str] = {
    libvirt.VIR_CONNECT_CLOSE_REASON_ERROR: "the connection to libvirt broke",
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "libvirt went away",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "libvirt stopped answering",
    CLOSED_BY_CLIENT: "the connection to libvirt was closed",
}

OPEN_S = 10.0
"""Limit for opening a connection. A local daemon answers within some 20 ms; on a busy host it may be starting."""
OPEN_BY_SSH_S = 120.0
"""The same where ssh connects, which may ask a person for a password."""
_SSH_TRANSPORTS = frozenset({"ssh", "libssh", "libssh2"})

KEEPALIVE_INTERVAL_S = 2
KEEPALIVE_COUNT = 2
"""libvirt drops a connection on which this many keepalives in a row stay unanswered: after about 6 s."""

_UNAVAILABLE_CODES = frozenset(
    {
        libvirt.VIR_ERR_NO_CONNECT,
        libvirt.VIR_ERR_INVALID_CONN,
        libvirt.VIR_ERR_RPC,
        libvirt.VIR_ERR_AUTH_FAILED,
    }
)
# Raised by this side's RPC code: libvirtd's own errors keep the domain they were raised in.
_UNAVAILABLE_DOMAINS = frozenset({libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE})


class VirDomain(Protocol):
    """What we use of libvirt.virDomain."""

    def name(self) -> str: ...
    def UUIDString(self) -> str: ...
    def ID(self) -> int: ...
    def state(self, flags: int = 0) -> list[int]: ...
    def isActive(self) -> int: ...
    def isPersistent(self) -> int: ...
    def hasManagedSaveImage(self, flags: int = 0) -> int: ...
    def XMLDesc(self, flags: int = 0) -> str: ...
    def openGraphicsFD(self, idx: int, flags: int = 0) -> int: ...
    def create(self) -> int: ...
    def managedSave(self, flags: int = 0) -> int: ...
    def managedSaveGetXMLDesc(self, flags: int = 0) -> str: ...
    def managedSaveDefineXML(self, dxml: str, flags: int = 0) -> int: ...
    def jobInfo(self) -> list[int]: ...
    def abortJob(self) -> int: ...


class VirConnect(Protocol):
    """What we use of libvirt.virConnect."""

    def close(self) -> int: ...
    def defineXMLFlags(self, xml: str, flags: int = 0) -> VirDomain: ...
    def domainEventRegisterAny(
        self, dom: VirDomain | None, eventID: int, cb: Callable[..., None], opaque: None
    ) -> int: ...
    def domainEventDeregisterAny(self, callbackID: int) -> None: ...
    def getDomainCapabilities(
        self,
        emulatorbin: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        flags: int = 0,
    ) -> str: ...
    def getLibVersion(self) -> int: ...
    def getURI(self) -> str: ...
    def getVersion(self) -> int: ...
    def listAllDomains(self, flags: int = 0) -> list[VirDomain]: ...
    def lookupByName(self, name: str) -> VirDomain: ...
    def lookupByUUIDString(self, uuidstr: str) -> VirDomain: ...
    def registerCloseCallback(self, cb: "Callable[[VirConnect, int, None], None]", opaque: None) -> int: ...
    def setKeepAlive(self, interval: int, count: int) -> int: ...
    def unregisterCloseCallback(self) -> None: ...


def open_connection(uri: str | None) -> VirConnect:
    """A new read-write connection, which the caller closes. Blocks for :func:`open_limit_s` at most.

    libvirt's keepalive watches over it: where the daemon stops answering, calls that wait for it fail with
    HypervisorUnavailable after about ``KEEPALIVE_INTERVAL_S * (KEEPALIVE_COUNT + 1)``, so that none waits for ever.

    Raises:
        ConfigError: as :func:`full_uri`.
        HypervisorUnavailable: libvirt refuses, or does not answer in time.
    """
    uri = full_uri(uri)
    limit_s = open_limit_s(uri)
    try:
        return with_limit(partial(open_without_limit, uri), limit_s, discard=_close_late)
    except TimeoutError:
        raise HypervisorUnavailable(
            f"libvirt at {uri} does not answer within {limit_s:g} s: its daemon hangs or is overloaded. "
            "See 'systemctl status libvirtd virtqemud'; restarting the daemon leaves guests running"
        ) from None


def open_without_limit(uri: str) -> VirConnect:
    """As :func:`open_connection`, but it blocks until the daemon answers.

    For a caller that tries again and again: giving up leaves a thread and a socket behind, one for each try.
    """
    _ensure_event_loop()
    try:
        connection: VirConnect = libvirt.open(uri)
    except libvirt.libvirtError as error:
        raise HypervisorUnavailable(f"cannot connect to libvirt at {uri}: {error}") from error
    try:
        connection.setKeepAlive(KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:  # a driver without a daemon, as test:///
            connection.close()
            raise HypervisorUnavailable(f"cannot connect to libvirt at {uri}: {error}") from error
    return connection


def open_limit_s(uri: str) -> float:
    """How many seconds :func:`open_connection` waits for the daemon at ``uri``."""
    scheme = uri.partition(":")[0]
    return OPEN_BY_SSH_S if scheme.partition("+")[2] in _SSH_TRANSPORTS else OPEN_S


def _close_late(connection: VirConnect) -> None:
    try:
        connection.close()
    except libvirt.libvirtError as error:
        log.debug("a connection that came too late did not close: %s", error)


@contextmanager
def our_errors(doing: str) -> Iterator[None]:
    """Turn libvirt's errors into ours.

    Args:
        doing: the beginning of the error's text, for instance "cannot read domain 'x'".
    """
    try:
        yield
    except libvirt.libvirtError as error:
        code, domain = error.get_error_code(), error.get_error_domain()
        kind = HypervisorError
        if code == libvirt.VIR_ERR_NO_DOMAIN:
            kind = NoSuchDomain
        elif code in _UNAVAILABLE_CODES or domain in _UNAVAILABLE_DOMAINS:
            kind = HypervisorUnavailable
        raise kind(f"{doing}: {error}") from error


def lookup(connection: VirConnect, name_or_uuid: str) -> VirDomain:
    """The domain of this UUID or name. Raises NoSuchDomain."""
    try:
        name_or_uuid.encode()
    except UnicodeEncodeError:
        # Bytes of the command line that are no UTF-8, or another locale's. libvirt's names are UTF-8.
        raise NoSuchDomain(f"cannot find domain {name_or_uuid!a}: this is not UTF-8") from None
    try:
        canonical = str(uuid.UUID(name_or_uuid))
    except ValueError:
        canonical = None
    with our_errors(f"cannot find domain '{name_or_uuid}'"):
        uri = connection.getURI()
    with our_errors(f"cannot find domain '{name_or_uuid}' at {uri}{hint(uri)}"):
        if canonical is not None:
            try:
                return connection.lookupByUUIDString(canonical)
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    raise
        return connection.lookupByName(name_or_uuid)  # a name may look like a UUID


def open_display(connection: VirConnect, uuid: str, index: int) -> int:
    """A socket to the display at ``index`` among a running domain's <graphics>; the caller owns it.

    Raises NoSuchDomain, HypervisorUnavailable, HypervisorError; DisplayUnusable where another try would not help.
    NoDescriptors: the connection is broken now.
    """
    with our_errors("cannot open the display"):
        domain = lookup(connection, uuid)
        try:
            return domain.openGraphicsFD(index)
        except libvirt.libvirtError as error:
            if (found := _why_unusable(error)) is None:
                raise
            kind, reason = found
            raise kind(reason) from error


def _why_unusable(error: libvirt.libvirtError) -> tuple[type[DisplayUnusable], str] | None:
    """Our error for one of openGraphicsFD that stays as it is for as long as this QEMU runs; None for any other.

    libvirt has no code for these, only words [libvirt 9.0, 11.3; QEMU 10.0].
    """
    text = str(error)
    if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT or "recv file descriptor" in text:
        return NoDescriptors, (
            "libvirt's connection passes no file descriptors, which displays take: set uri to libvirt's own socket "
            "on this machine (qemu:///system), not to one that is relayed or forwarded, and start libvirt-webrtc again"
        )
    if "D-Bus display is not in use" in text:
        return DisplayUnusable, (
            "its QEMU was started without the D-Bus display that its XML has: an option in <qemu:commandline>, such as "
            "-nographic, took its place. Remove it, shut the domain down and start it again"
        )
    if "No graphics backend with index" in text:
        return DisplayUnusable, (
            "its D-Bus display is gone: the domain was set back to a snapshot from before it had one, or its XML was "
            "replaced. Enable it, shut it down and start it again"
        )
    return None


_event_loop_lock = threading.Lock()
_event_loop: threading.Thread | None = None

_EVENT_LOOP_RETRY_S = 1.0


def _ensure_event_loop() -> None:
    """libvirt wants its event loop before the first connection is opened."""
    global _event_loop
    with _event_loop_lock:
        if _event_loop is not None:
            return
        libvirt.registerErrorHandler(_ignore_error, None)
        libvirt.virEventRegisterDefaultImpl()
        _event_loop = threading.Thread(target=_run_event_loop, name="libvirt-events", daemon=True)
        _event_loop.start()


def _run_event_loop() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            log.exception("libvirt's event loop failed; going on in %s s", _EVENT_LOOP_RETRY_S)
            time.sleep(_EVENT_LOOP_RETRY_S)


def _ignore_error(_context: None, _error: object) -> None:
    """Without a handler libvirt prints each error to stderr, besides the exception that it raises."""
