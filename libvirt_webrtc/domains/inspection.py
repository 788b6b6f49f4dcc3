"""What ``show`` and ``doctor`` tell of one domain's console. Blocking."""

from dataclasses import asdict, dataclass
from typing import Any

from libvirt_webrtc.domains.actions import has_dbus_display
from libvirt_webrtc.domains.definition.display import DbusDisplay, find_dbus_display
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.policy import Decision, Facts, GlChoice, Policy, choose_gl, decide
from libvirt_webrtc.domains.definition.settings import Settings, read_settings
from libvirt_webrtc.domains.libvirt_api import XML_INACTIVE, VirConnect, lookup, our_errors


@dataclass(frozen=True, slots=True)
class Inspection:
    """One domain, its settings, and what the policy makes of it."""

    uuid: str
    name: str
    running: bool
    persistent: bool
    managed_save: bool
    """Whether its next start restores a saved state, with the display it had then."""
    display: DbusDisplay | None
    """The display of the running domain."""
    next_display: DbusDisplay | None
    """The display in the definition; in the running domain where that is transient."""
    settings: Settings
    policy: Policy
    decision: Decision
    gl: GlChoice
    document: Document
    """The running domain's XML; of one that does not run, its definition."""

    @property
    def will_have(self) -> bool:
        """Whether its definition has a display once the policy is carried out."""
        return find_dbus_display(self.decision.document) is not None

    @property
    def restart_needed(self) -> bool:
        """Whether the running domain has another display than its definition."""
        return self.running and self.persistent and not _alike(self.display, self.next_display)

    def as_json(self) -> dict[str, Any]:
        """The form that ``show --json`` prints."""
        return {
            "uuid": self.uuid,
            "name": self.name,
            "running": self.running,
            "persistent": self.persistent,
            "managed_save": self.managed_save,
            "display": _as_json(self.display),
            "next_display": _as_json(self.next_display),
            "settings": asdict(self.settings),
            "policy": asdict(self.policy),
            "decision": {
                "changed": self.decision.changed,
                "wanted": self.decision.wanted,
                "display": self.will_have,
                "reason": self.decision.reason,
            },
            "gl": {"on": self.gl.on, "reason": self.gl.reason},
            "restart_needed": self.restart_needed,
        }


def inspect(connection: VirConnect, name_or_uuid: str, policy: Policy) -> Inspection:
    """Look at a domain. Raises NoSuchDomain, DomainXMLError, HypervisorError."""
    domain = lookup(connection, name_or_uuid)
    with our_errors(f"cannot read domain '{name_or_uuid}'"):
        running, persistent = bool(domain.isActive()), bool(domain.isPersistent())
        definition = Document.parse(domain.XMLDesc(XML_INACTIVE if persistent else 0))
        decision = decide(definition, policy, Facts(persistent))
        if decision.changed:
            facts = Facts(persistent, has_dbus_display(connection, definition))
            decision = decide(definition, policy, facts)
        live = Document.parse(domain.XMLDesc(0)) if running else None
        next_display, settings = find_dbus_display(definition), read_settings(definition)
        return Inspection(
            uuid=domain.UUIDString(),
            name=domain.name(),
            running=running,
            persistent=persistent,
            managed_save=persistent and bool(domain.hasManagedSaveImage()),
            display=find_dbus_display(live) if live is not None else None,
            next_display=next_display,
            settings=settings,
            policy=policy,
            decision=decision,
            gl=choose_gl(definition, policy),
            document=definition if live is None else live,
        )


def _alike(one: DbusDisplay | None, other: DbusDisplay | None) -> bool:
    """Whether two displays are the same but for the bus's address, which libvirt adds to the running domain."""
    if one is None or other is None:
        return one is other
    return (one.p2p, one.gl, one.index) == (other.p2p, other.gl, other.index)


def _as_json(display: DbusDisplay | None) -> dict[str, Any] | None:
    return asdict(display) if display is not None else None
