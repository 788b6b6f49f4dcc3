"""The state of each domain's console as far as libvirt knows it, without any worker."""

from libvirt_webrtc.agent.interface import Action, ConsoleState, DomainList, DomainView
from libvirt_webrtc.display.address import why_closed
from libvirt_webrtc.domains.advice import in_quotes, on_domain
from libvirt_webrtc.domains.definition.display import DbusDisplay
from libvirt_webrtc.domains.snapshot import Domain, DomainState, Snapshot


def why_no_console(domain: Domain) -> str | None:
    """Why a domain has no console that could be opened, in a sentence for its owner; None where it has one."""
    display = domain.display
    if display is None and domain.unreadable is not None:
        return domain.unreadable
    if domain.id is None:
        return "the domain is not running" if domain.next_display is not None else _why_none_next(domain)
    if display is None:
        if domain.next_display is not None:
            attach = in_quotes(on_domain("libvirt-webrtc attach", domain.name))
            return (
                f"started without its console, which its next start brings: {attach} gives it one now "
                "(the guest pauses for some seconds), or shut it down and start it again"
            )
        return _why_none_next(domain)
    return domain.not_shown or why_no_bus(domain.name, display)


def why_no_bus(name: str, display: DbusDisplay) -> str | None:
    """Why the bus of a running domain's display is out of reach, and what to do; None for a display without one."""
    if display.p2p:
        return None
    unknown = "libvirt does not tell its address"
    reason = why_closed(display.address) if display.address is not None else unknown
    if reason is None:
        return None
    edit = on_domain("virsh edit", name)
    return (
        f"its D-Bus display is on a bus that is out of reach: {reason}. Write p2p='yes' into its "
        f"<graphics type='dbus'>, without an address ({edit}), then shut it down and start it again"
    )


def _why_none_next(domain: Domain) -> str:
    """Why the domain's next start brings no console either, in a sentence."""
    plan, enable = domain.plan, on_domain("libvirt-webrtc enable", domain.name)
    if not domain.persistent:
        return (
            "it is transient: put the display into the XML that it is created from (libvirt-webrtc xml add)"
        )
    if plan is not None and plan.changed:
        if domain.problem is not None:
            return f"a console could not be added: {domain.problem}"
        return "a console is about to be added to its definition"
    if plan is not None and plan.obstacle:
        return f"not enabled: {plan.reason}"
    if domain.reverted:
        now = f", then {on_domain('libvirt-webrtc attach', domain.name)}" if domain.id is not None else ""
        return (
            "it was set back to a snapshot from before it had a console, which took that out of its definition: "
            f"{enable}{now}"
        )
    if domain.id is None:
        return f"not enabled: {enable}"
    return f"not enabled: {enable}, then shut it down and start it again"


def actions(domain: Domain) -> tuple[Action, ...]:
    """What may be asked for. Whether the guest can be saved is only found out by saving it."""
    runs = domain.state in (DomainState.RUNNING, DomainState.PAUSED)
    wanted = domain.next_display is not None and domain.next_display.p2p
    return (Action.ATTACH,) if runs and domain.display is None and wanted else ()


def describe(domain: Domain) -> DomainView:
    """One domain, its console ``ready`` where one can be opened."""
    reason = why_no_console(domain)
    state = ConsoleState.READY if reason is None else ConsoleState.NONE
    return DomainView(
        domain.uuid, domain.name, str(domain.state), state, reason, actions=actions(domain), tags=domain.tags
    )


def domain_list(snapshot: Snapshot, uri: str) -> DomainList:
    """All domains of the libvirt at ``uri``, by name."""
    return DomainList(snapshot.connected, snapshot.problem, tuple(map(describe, snapshot.domains)), uri)
