"""The ways in which the service may run, and so its workers."""

import os
import threading
from dataclasses import dataclass
from enum import Enum

from libvirt_webrtc.worker.sandbox import landlock, seccomp
from libvirt_webrtc.worker.sandbox.rights import Rights

LIBVIRT_GID = 54320
SERVICE_UID = 54321

GRAPHICS = Rights(graphics=True, devices=("/dev/zero",))
"""As with gl=on; a device file that is everywhere stands for the render node."""


class Twist(Enum):
    """What is not as on every kernel that the tests run on."""

    NONE = "none"
    NO_LANDLOCK = "no Landlock"
    NO_SECCOMP = "no seccomp"
    LANDLOCK_FAILS = "Landlock fails"
    HAS_THREADS = "has threads"

    def apply(self) -> None:
        """To this process."""
        match self:
            case Twist.NO_LANDLOCK:
                landlock.version = lambda: 0
            case Twist.NO_SECCOMP:
                seccomp.is_supported = lambda: False
            case Twist.LANDLOCK_FAILS:
                landlock._FILE_RIGHTS = {1: 2**63}  # a right that no kernel knows
            case Twist.HAS_THREADS:
                threading.Thread(target=threading.Event().wait, daemon=True).start()


@dataclass(frozen=True, slots=True)
class Way:
    """One column of the table in docs/security.md."""

    name: str
    uid: int
    groups: tuple[int, ...] = ()
    twist: Twist = Twist.NONE
    rights: Rights = Rights()
    locked: bool = True

    @property
    def libvirt_gid(self) -> int:
        """The group of libvirt's socket: one that the user is in, if in any."""
        return self.groups[0] if self.groups else LIBVIRT_GID

    def become(self) -> None:
        """Be the service's user in this process, for good, on a kernel with the twist."""
        if self.uid != 0:
            os.setgroups(self.groups)
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)
        self.twist.apply()


LOCKED = (
    Way("root", 0),
    Way("root, gl=on", 0, rights=GRAPHICS),
    Way("the unit's user", SERVICE_UID, groups=(LIBVIRT_GID,)),
    Way("the unit's user, gl=on", SERVICE_UID, groups=(LIBVIRT_GID,), rights=GRAPHICS),
    Way("a user, no Landlock", SERVICE_UID, twist=Twist.NO_LANDLOCK),
    Way("a user, no Landlock, gl=on", SERVICE_UID, twist=Twist.NO_LANDLOCK, rights=GRAPHICS),
)
UNLOCKED = Way("the unit's user, not locked in", SERVICE_UID, groups=(LIBVIRT_GID,), locked=False)
