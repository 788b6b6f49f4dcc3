"""The settings of ``[[access]]``: who may do what with which domains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.sign_in import SIGN_IN_METHODS
from libvirt_webrtc.errors import ConfigError

TOKEN = "token"
"""The way of signing in that needs no rule: the server's own token may do everything."""
METHODS = tuple(method for method in SIGN_IN_METHODS if method != TOKEN)

_LISTS = ("users", "groups", "domains", "tags", "methods")
_KEYS = (*_LISTS, "role")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One entry: each of its users, and each member of its groups, has the role for each of its domains."""

    role: Role
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """The system's, or those of the identity provider."""
    domains: tuple[str, ...] = ()
    """UUIDs, and names with ``*``, ``?`` and ``[abc]`` as in a shell."""
    tags: tuple[str, ...] = ()
    """Of the domains' own settings."""
    methods: tuple[str, ...] = ()
    """Only who signed in by one of these; none: by any. The same name may be another person's elsewhere."""


def access_rules_from_table(value: object, where: str) -> tuple[AccessRule, ...]:
    """From the file's array of tables; ``where`` is what errors call it. Raises ConfigError."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ConfigError(f"{where} must be written as [[access]], once for each entry")
    return tuple(_rule(each, f"{where}, entry {number}") for number, each in enumerate(value, 1))


def _rule(table: dict[str, object], where: str) -> AccessRule:
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown setting {key!r}; known are {', '.join(_KEYS)}")
    role = table.get("role")
    try:
        if not isinstance(role, str):
            raise ValueError(f"it needs a role; write one of {', '.join(map(str, Role))}")
        parsed = Role.parse(role)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error
    lists = {key: _names(table[key], f"{where}: {key}") for key in _LISTS if key in table}
    if not (lists.get("users") or lists.get("groups")):
        raise ConfigError(f"{where} names nobody; write users = [...] or groups = [...]")
    if not (lists.get("domains") or lists.get("tags")):
        raise ConfigError(f'{where} names no domain; write domains = ["*"] for all, or tags = [...]')
    for method in lists.get("methods", ()):
        if method not in METHODS:
            raise ConfigError(f"{where}: methods names {method!r}; write some of {', '.join(METHODS)}")
    return AccessRule(parsed, **lists)


def access_gaps(rules: Sequence[AccessRule], offered: Sequence[str]) -> Iterator[str]:
    """Where the rules and the ways of signing in do not fit together, a sentence each.

    Args:
        rules: those of ``[[access]]``.
        offered: ``[sign_in] methods``.
    """
    for method in offered:
        if method != TOKEN and not any(method in (rule.methods or offered) for rule in rules):
            yield f"nobody can sign in by {method}: no [[access]] entry is for who does"
    for number, rule in enumerate(rules, 1):
        if not (set(rule.methods or METHODS) & set(offered)):
            yield f"[[access]], entry {number}, grants nothing: [sign_in] methods offers no such way of signing in"


def _names(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
        raise ConfigError(f'{where} must be a list of names, such as ["one", "two"]')
    return tuple(value)
