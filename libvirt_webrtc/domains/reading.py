"""Domains read from libvirt; blocking, for the connection's thread."""

import hashlib

from libvirt_webrtc.domains.definition.display import find_dbus_display
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.policy import Policy, decide
from libvirt_webrtc.domains.definition.refusals import why_not_shown
from libvirt_webrtc.domains.definition.settings import read_settings
from libvirt_webrtc.domains.libvirt_api import XML_INACTIVE, VirConnect, VirDomain, lookup, our_errors
from libvirt_webrtc.domains.snapshot import DefinitionPlan, Domain, DomainState
from libvirt_webrtc.errors import DomainXMLError, HypervisorError, HypervisorUnavailable, NoSuchDomain

Identity = tuple[str, str, int | None, DomainState]
"""UUID, name, id and state: cheap to read, and enough to notice that a domain has changed."""

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
    """Every domain that libvirt lists, with its plan; one that cannot be read says why.

    Raises HypervisorError where the list itself is refused, HypervisorUnavailable where the connection is lost.
    """
    with our_errors("cannot list the domains"):
        listed = raw.listAllDomains()
    found = (_read(domain, policy) for domain in listed)
    return [domain for domain in found if domain is not None]


def read(raw: VirConnect, uuid: str, policy: Policy) -> Domain | None:
    """One domain as :func:`read_all` gives it; None where libvirt has none of this UUID, or none for this user.

    Raises HypervisorUnavailable where the connection is lost.
    """
    try:
        domain = lookup(raw, uuid)
    except HypervisorUnavailable:
        raise
    except HypervisorError:
        return None  # gone; or hidden by an access rule, and then the list does not have it either
    return _read(domain, policy)


def identities(raw: VirConnect) -> set[Identity]:
    """The identity of each domain; its state is UNKNOWN where libvirt does not tell.

    Raises HypervisorError as :func:`read_all`.
    """
    found = set()
    with our_errors("cannot list the domains"):
        listed = raw.listAllDomains()
    for domain in listed:
        try:
            state = _state(domain)
        except NoSuchDomain:
            continue  # it ceased to exist meanwhile
        except HypervisorUnavailable:
            raise
        except HypervisorError:
            state = DomainState.UNKNOWN
        found.add((domain.UUIDString(), domain.name(), _id(domain), state))
    return found


def _read(domain: VirDomain, policy: Policy) -> Domain | None:
    """A domain as it is; None where it ceases to exist meanwhile."""
    try:
        return _describe(domain, policy)
    except NoSuchDomain:
        return None
    except HypervisorUnavailable:
        raise
    except HypervisorError as error:
        # For instance an access rule (polkit) that lets this user list a domain and not read it.
        return Domain(
            uuid=domain.UUIDString(),
            name=domain.name(),
            id=_id(domain),
            state=DomainState.UNKNOWN,
            display=None,
            next_display=None,
            persistent=False,
            unreadable=str(error),
        )


def _describe(domain: VirDomain, policy: Policy) -> Domain:
    state = _state(domain)
    display = next_display = plan = not_shown = unreadable = None
    tags: tuple[str, ...] = ()
    with our_errors(f"cannot read domain '{domain.name()}'"):
        persistent = bool(domain.isPersistent())
        live = domain.XMLDesc(0) if _id(domain) is not None else None
        definition = domain.XMLDesc(XML_INACTIVE) if persistent else None
    try:
        if live is not None:
            running = Document.parse(live)
            tags = read_settings(running).tags
            display, not_shown = find_dbus_display(running), why_not_shown(running)
        if definition is not None:
            document = Document.parse(definition)
            tags = read_settings(document).tags
            next_display, plan = find_dbus_display(document), _plan(definition, document, policy)
    except DomainXMLError as error:
        tags, unreadable = (), f"its XML cannot be read: {error}"
    return Domain(
        uuid=domain.UUIDString(),
        name=domain.name(),
        id=_id(domain),
        state=state,
        display=display,
        next_display=next_display,
        persistent=persistent,
        plan=plan,
        not_shown=not_shown,
        unreadable=unreadable,
        tags=tags,
    )


def _state(domain: VirDomain) -> DomainState:
    """Raises HypervisorError where libvirt does not tell, or has a state that is not known here."""
    with our_errors(f"cannot read domain '{domain.name()}'"):
        number = domain.state()[0]
    if not 0 <= number < len(_STATES):
        raise HypervisorError(f"libvirt has a domain state {number}, which is not known here")
    return _STATES[number]


def _id(domain: VirDomain) -> int | None:
    """The number of a running domain, as it was when the domain was looked up."""
    number = domain.ID()
    return number if number >= 0 else None


def _plan(xml: str, document: Document, policy: Policy) -> DefinitionPlan:
    """What the policy makes of a persistent definition."""
    decision = decide(document, policy)
    digest = hashlib.sha256(xml.encode()).hexdigest()
    return DefinitionPlan(digest, decision.changed, decision.reason, decision.obstacle)
