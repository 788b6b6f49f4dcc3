"""When something that is kept in a file ends."""

import time
from dataclasses import dataclass
from typing import Self

import msgspec

from libvirt_webrtc.config.state_files import boot_id
from libvirt_webrtc.errors import StateError
from libvirt_webrtc.portal.auth.session import Clock


def _boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What time it is."""

    boot: str
    """The present run of the system."""
    since_boot: Clock = _boot_time
    """Seconds of that run, which never jump; those in which the system sleeps count."""
    time_of_day: Clock = time.time
    """Unix time, which can be set."""

    @classmethod
    def of_system(cls) -> Self:
        """The system's own. Raises StateError where there is no /proc."""
        try:
            return cls(boot_id())
        except OSError as error:
            raise StateError(f"cannot tell which run of the system this is: {error}") from error


class Lifetime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when to when.

    Within the run of the system in which it began, its length counts, whatever the time of day is set to. After that
    the time of day is all there is.
    """

    began: float
    """Unix time, as the next."""
    ends: float
    boot: str
    boot_ends: float
    """The end, in seconds of that run."""

    @classmethod
    def of(cls, seconds: float, clocks: Clocks) -> "Lifetime":
        """From now on."""
        began, since_boot = clocks.time_of_day(), clocks.since_boot()
        return cls(began, began + seconds, clocks.boot, since_boot + seconds)

    def left(self, clocks: Clocks) -> float:
        """How many seconds are left; 0 or less: it is over."""
        if self.boot == clocks.boot:
            return self.boot_ends - clocks.since_boot()
        return self.ends - clocks.time_of_day()
