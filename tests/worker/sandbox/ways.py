"""The ways in which the service may run, and so its workers."""

import os
from dataclasses import dataclass

from libvirt_webrtc.worker.sandbox import landlock
from libvirt_webrtc.worker.sandbox.rights import Rights

LIBVIRT_GID = 54320
SERVICE_UID = 54321

GRAPHICS = Rights(graphics=True, devices=("/dev/zero",))
"""As with gl=on; a device file that is everywhere stands for the render node."""


@dataclass(frozen=True, slots=True)
class Way:
    """One column of the table in docs/security.md."""

    name: str
    uid: int
    groups: tuple[int, ...] = ()
    landlock: bool = True
    rights: Rights = Rights()
    locked: bool = True

    @property
    def libvirt_gid(self) -> int:
        """The group of libvirt's socket: one that the user is in, if in any."""
        return self.groups[0] if self.groups else LIBVIRT_GID

    def become(self) -> None:
        """Be the service's user in this process, for good, on the service's kernel."""
        if self.uid != 0:
            os.setgroups(self.groups)
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)
        if not self.landlock:
            landlock.version = lambda: 0


LOCKED = (
    Way("root", 0),
    Way("root, gl=on", 0, rights=GRAPHICS),
    Way("the unit's user", SERVICE_UID, groups=(LIBVIRT_GID,)),
    Way("the unit's user, gl=on", SERVICE_UID, groups=(LIBVIRT_GID,), rights=GRAPHICS),
    Way("a user, no Landlock", SERVICE_UID, landlock=False),
    Way("a user, no Landlock, gl=on", SERVICE_UID, landlock=False, rights=GRAPHICS),
)
UNLOCKED = Way("the unit's user, not locked in", SERVICE_UID, groups=(LIBVIRT_GID,), locked=False)
