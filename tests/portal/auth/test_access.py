"""Which role a user has for a domain."""

from dataclasses import replace

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.user import TOKEN_USER, Limit, Method, User
from tests.portal.fakes import OTHER_UUID, UUID, domain

WEB = replace(domain("web-1"), tags=("team", "old"))
DATABASE = replace(domain("db"), uuid=OTHER_UUID)
ANN = User("ann", Method.PAM, frozenset({"ops", "ann"}))


@pytest.mark.parametrize(
    ("rule", "web", "database"),
    [
        (AccessRule(Role.VIEW, users=("ann",), domains=("*",)), Role.VIEW, Role.VIEW),
        (AccessRule(Role.CONTROL, groups=("ops",), domains=("web-*",)), Role.CONTROL, None),
        (AccessRule(Role.OPERATE, users=("ann",), domains=("web-[2-9]", "d?")), None, Role.OPERATE),
        (AccessRule(Role.ADMIN, users=("ann",), tags=("team",)), Role.ADMIN, None),
        (AccessRule(Role.ADMIN, users=("ann",), domains=("db",), tags=("old",)), Role.ADMIN, Role.ADMIN),
        (AccessRule(Role.ADMIN, users=("ann",), domains=(OTHER_UUID.upper(),)), None, Role.ADMIN),
        (AccessRule(Role.ADMIN, users=("Ann", "ops"), groups=("other",), domains=("*",)), None, None),
        (AccessRule(Role.ADMIN, users=("ann",), domains=("WEB-*", "eb-1", "team")), None, None),
    ],
)
def test_a_rule_grants_its_role(rule: AccessRule, web: Role | None, database: Role | None) -> None:
    access = Access([rule])
    assert access.role(ANN, WEB) is web
    assert access.role(ANN, DATABASE) is database


def test_the_highest_of_several_counts_and_nothing_grants_nothing() -> None:
    rules = [
        AccessRule(role, users=("ann",), domains=("*",)) for role in (Role.VIEW, Role.OPERATE, Role.CONTROL)
    ]
    assert Access(rules).role(ANN, WEB) is Role.OPERATE
    assert Access(rules).role(User("bob", Method.PAM), WEB) is None
    assert Access().role(ANN, WEB) is None


def test_the_servers_token_may_everything_and_a_user_of_its_name_nothing() -> None:
    assert Access().role(TOKEN_USER, WEB) is Role.ADMIN
    assert Access().role(User(TOKEN_USER.name, Method.PAM), WEB) is None


def test_a_limit_is_all_that_its_user_has() -> None:
    access = Access([AccessRule(Role.ADMIN, users=("ci", "ann"), domains=("*",))])
    script = User("ci", Method.API_TOKEN, limit=Limit(Role.CONTROL, ("web-*",)))
    assert access.role(script, WEB) is Role.CONTROL and access.role(script, DATABASE) is None
    link = User("ann's link", Method.LINK, limit=Limit(Role.CONTROL, (UUID,), owner=ANN))
    assert access.role(link, WEB) is Role.CONTROL and access.role(link, DATABASE) is None
    access.use([AccessRule(Role.VIEW, users=("ann",), domains=("*",))])
    assert access.role(link, WEB) is Role.VIEW
    access.use([])
    assert access.role(link, WEB) is None and access.role(script, WEB) is Role.CONTROL


def test_a_guest_named_after_anothers_uuid_is_not_that_one() -> None:
    access = Access([AccessRule(Role.ADMIN, users=("ann",), domains=(OTHER_UUID,))])
    assert access.role(ANN, domain(OTHER_UUID)) is None


def test_a_rule_may_be_for_some_ways_of_signing_in_only() -> None:
    """At another provider, ann may be somebody else."""
    access = Access([AccessRule(Role.ADMIN, users=("ann",), domains=("*",), methods=("pam",))])
    assert access.role(ANN, WEB) is Role.ADMIN
    assert access.role(replace(ANN, method=Method.OIDC), WEB) is None


def test_who_has_a_role_for_any_domain() -> None:
    access = Access([AccessRule(Role.VIEW, users=("ann",), domains=("db",))])
    assert access.has_any(ANN, [WEB, DATABASE]) and not access.has_any(ANN, [WEB])
    assert access.has_any(TOKEN_USER, []) and not access.has_any(ANN, [])
    limited = User("ci", Method.API_TOKEN, limit=Limit(Role.ADMIN, ("db",)))
    assert access.has_any(limited, [DATABASE]) and not access.has_any(limited, [WEB])
