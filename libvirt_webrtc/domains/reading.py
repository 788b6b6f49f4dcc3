"""Domains read from libvirt; blocking, for the connection's thread."""

import hashlib
import logging

from libvirt_webrtc.domains.definition.policy import Policy, decide
from libvirt_webrtc.domains.definition.xml import DbusDisplay, find_dbus_display
from libvirt_webrtc.domains.libvirt_api import XML_INACTIVE, VirConnect, VirDomain, lookup, our_errors
from libvirt_webrtc.domains.snapshot import Domain, DomainState, Plan
from libvirt_webrtc.errors import DomainXMLError, NoSuchDomain

log = logging.getLogger(__name__)

_STATES = (  # by virDomainState
    DomainState.RUNNING,  # no state: not used by QEMU's driver
    DomainState.RUNNING,
    DomainState.RUNNING,  # blocked
    DomainState.PAUSED,
    DomainState.SHUTDOWN,
    DomainState.SHUTOFF,
    DomainState.CRASHED,
    DomainState.PMSUSPENDED,
)


def read_all(raw: VirConnect, policy: Policy) -> list[Domain]:
    """Every domain, with its plan. Raises HypervisorError."""
    with our_errors("cannot list the domains"):
        found = (_describe(domain, policy) for domain in raw.listAllDomains())
        return [domain for domain in found if domain is not None]


def read(raw: VirConnect, uuid: str, policy: Policy) -> Domain | None:
    """One domain; None where there is none of this UUID. Raises HypervisorError."""
    try:
        domain = lookup(raw, uuid)
    except NoSuchDomain:
        return None
    return _describe(domain, policy)


def identities(raw: VirConnect) -> set[tuple[str, str, int | None, DomainState]]:
    """What tells cheaply that a domain has changed: UUID, name, id and state of each. Raises HypervisorError."""
    found = set()
    with our_errors("cannot list the domains"):
        for domain in raw.listAllDomains():
            state = _state(domain)
            if state is not None:
                found.add((domain.UUIDString(), domain.name(), _id(domain), state))
    return found


def _describe(domain: VirDomain, policy: Policy) -> Domain | None:
    """None where it ceases to exist meanwhile."""
    try:
        with our_errors(f"cannot read domain '{domain.name()}'"):
            persistent = bool(domain.isPersistent())
            state = _STATES[domain.state()[0]]
            display = next_display = plan = None
            if _id(domain) is not None:
                display, _ = _read_xml(domain.name(), domain.XMLDesc(0), None)
            if persistent:
                next_display, plan = _read_xml(domain.name(), domain.XMLDesc(XML_INACTIVE), policy)
            return Domain(
                uuid=domain.UUIDString(),
                name=domain.name(),
                id=_id(domain),
                state=state,
                display=display,
                next_display=next_display,
                persistent=persistent,
                plan=plan,
            )
    except NoSuchDomain:
        return None


def _state(domain: VirDomain) -> DomainState | None:
    """None where the domain ceases to exist meanwhile."""
    try:
        with our_errors(f"cannot read domain '{domain.name()}'"):
            return _STATES[domain.state()[0]]
    except NoSuchDomain:
        return None


def _id(domain: VirDomain) -> int | None:
    """As it was when the domain was looked up."""
    number = domain.ID()
    return number if number >= 0 else None


def _read_xml(name: str, xml: str, policy: Policy | None) -> tuple[DbusDisplay | None, Plan | None]:
    """The display, and with a policy what that makes of it."""
    try:
        display = find_dbus_display(xml)
        if policy is None:
            return display, None
        decision = decide(xml, policy)
    except DomainXMLError as error:
        log.warning("domain %s: %s", name, error)
        return None, None
    digest = hashlib.sha256(xml.encode()).hexdigest()
    return display, Plan(digest, decision.changed, decision.reason, decision.obstacle)
