"""``doctor`` on ``[[access]]``."""

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.doctor.access import check_access
from libvirt_webrtc.hook.check import Level

RULE = AccessRule(Role.VIEW, users=("ann",), domains=("*",))
PROXY = SignInConfig(("proxy",))


def test_who_can_sign_in_and_sees_nothing_is_told() -> None:
    [found] = check_access(Config(sign_in=PROXY))
    assert found.level is Level.WARNING and "nobody can sign in by proxy" in found.text and found.remedy
    for config in (Config(), Config(sign_in=PROXY, access=(RULE,))):
        [found] = check_access(config)
        assert found.level is Level.OK
