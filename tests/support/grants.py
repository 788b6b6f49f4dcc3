"""What the viewers of tests may do, where the test is not about that."""

from libvirt_webrtc.agent.grant import Grant, Role

ADMIN = Grant("tester", Role.ADMIN, None, "session", "token:tester")
VIEWER = Grant("onlooker", Role.VIEW, None, "session", "token:onlooker")
"""Somebody who may look and no more."""
