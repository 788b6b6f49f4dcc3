"""The list of domains as one user may see it."""

from typing import Any

from libvirt_webrtc.agent.interface import DomainList
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.user import User
from libvirt_webrtc.portal.routes.rights import ACTIONS


def shown_list(domains: DomainList, user: User, access: Access) -> dict[str, Any]:
    """The domains that ``user`` has a role for, with that and what it allows; docs/protocol.md has the form."""
    shown = []
    for domain in domains.domains:
        role = access.role(user, domain)
        if role is not None:
            allowed = [action for action in domain.actions if ACTIONS[action] <= role]
            shown.append(domain.as_json() | {"role": str(role), "actions": allowed})
    who = {"name": user.name, "method": str(user.method)}
    return domains.as_json() | {"user": who, "domains": shown}
