"""Clocks that are set by hand."""

from libvirt_webrtc.portal.issued.lifetime import Clocks

NOON = 1_800_000_000.0
"""The time of day at which these begin."""


class SetClocks:
    """Both stand still until told.

    Attributes:
        passed: seconds since the beginning, in which no clock was set.
        jumped: by how much the time of day was set meanwhile.
    """

    def __init__(self) -> None:
        self.passed = 0.0
        self.jumped = 0.0

    def of_run(self, boot: str = "this run") -> Clocks:
        """As seen by a process in that run of the system."""
        return Clocks(boot, lambda: 500 + self.passed, lambda: NOON + self.passed + self.jumped)
