"""What libvirt alone tells of each domain's console, without any worker."""

from libvirt_webrtc.agent import ConsoleState, DomainList, DomainView
from libvirt_webrtc.domains.inventory import Domain, Snapshot


def why_no_console(domain: Domain) -> str | None:
    """Why a domain can have no console as it is, in a sentence for its owner; None when it can."""
    display = domain.display
    if domain.id is None:
        if domain.next_display is None:
            return f"not enabled: libvirt-webrtc enable {domain.name}"
        return "the domain is not running"
    if display is None:
        if domain.next_display is not None:
            return "started without a D-Bus display: shut it down and start it again"
        return f"not enabled: libvirt-webrtc enable {domain.name}, then shut it down and start it again"
    if not display.p2p:
        return "its D-Bus display is on a bus; only p2p='yes' is supported so far"
    return None


def describe(domain: Domain) -> DomainView:
    """One domain, its console ``ready`` where one can be opened."""
    reason = why_no_console(domain)
    state = ConsoleState.READY if reason is None else ConsoleState.NONE
    return DomainView(domain.uuid, domain.name, str(domain.state), state, reason)


def overview(snapshot: Snapshot) -> DomainList:
    """All domains, by name."""
    return DomainList(snapshot.connected, snapshot.problem, tuple(map(describe, snapshot.domains)))
