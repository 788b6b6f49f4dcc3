"""Which role a user has for a domain."""

from collections.abc import AsyncIterator, Iterable, Sequence

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.agent.interface import DomainView
from libvirt_webrtc.agent.latest import LatestValue
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.errors import SignInRefused
from libvirt_webrtc.portal.auth.user import Method, User, matches


class Access:
    """The operator's rules, as they are now."""

    def __init__(self, rules: Sequence[AccessRule] = ()) -> None:
        self._rules = LatestValue(tuple(rules))

    def use(self, rules: Sequence[AccessRule]) -> bool:
        """Decide by these from now on; True where they are others. Who follows :meth:`changes` is told then."""
        changed = tuple(rules) != self._rules.value
        self._rules.set(tuple(rules))
        return changed

    def changes(self) -> AsyncIterator[object]:
        """One item now and after each change of the rules. May be cancelled."""
        return self._rules.values()

    def check_named(self, user: User) -> None:
        """Return where a rule is for this user at all, whatever domains there are.

        Providers and directories know people who have nothing to do with this host, and each session of theirs would
        take the place of somebody else's.

        Raises:
            SignInRefused: no rule is.
        """
        if not any(_names(rule, user) for rule in self._rules.value):
            raise SignInRefused(
                f"you are {user.name} here, to whom nothing is granted: the operator has to name you, or one of your "
                "groups, in [[access]]"
            )

    def role(self, user: User, domain: DomainView) -> Role | None:
        """The highest role that a rule grants; None: the domain is not shown to this user at all."""
        if user.limit is not None:
            if not any(matches(domain, pattern) for pattern in user.limit.domains):
                return None
            if user.limit.owner is None:
                return user.limit.role
            owned = self.role(user.limit.owner, domain)
            return None if owned is None else min(owned, user.limit.role)
        if user.method is Method.TOKEN:
            return Role.ADMIN
        granted = [rule.role for rule in self._rules.value if _names(rule, user) and _covers(rule, domain)]
        return max(granted, default=None)

    def has_any(self, user: User, domains: Iterable[DomainView]) -> bool:
        """Whether this user has a role for one of the domains, or for whatever domains there may be."""
        if user.method is Method.TOKEN and user.limit is None:
            return True
        return any(self.role(user, domain) is not None for domain in domains)


def _names(rule: AccessRule, user: User) -> bool:
    if rule.methods and user.method not in rule.methods:
        return False
    return user.name in rule.users or not user.groups.isdisjoint(rule.groups)


def _covers(rule: AccessRule, domain: DomainView) -> bool:
    by_name = any(matches(domain, pattern) for pattern in rule.domains)
    return by_name or not set(rule.tags).isdisjoint(domain.tags)
