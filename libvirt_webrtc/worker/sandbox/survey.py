"""Which layers there are on this machine, for the log and for ``doctor``. Changes nothing."""

import os
from dataclasses import dataclass

from libvirt_webrtc.errors import SandboxError
from libvirt_webrtc.worker.sandbox import identity, landlock


@dataclass(frozen=True, slots=True)
class Protection:
    """One of the means by which a worker is locked in."""

    name: str
    present: bool
    text: str
    """What it does here, or what is missing."""
    remedy: str = ""
    needed: bool = False
    """Without it no worker starts."""


def survey() -> tuple[Protection, ...]:
    """The layers, as a worker that is started by this process would get them."""
    return (_identity(), _filter(), _landlock())


def _identity() -> Protection:
    name = "ids"
    if identity.may_change_ids():
        ids = f"{identity.FIRST_ID} to {identity.LAST_ID}"
        return Protection(
            name, True, f"each worker becomes a user of its own ({ids}), in no group, without capabilities"
        )
    return Protection(
        name,
        True,
        f"not as root: workers stay user {os.geteuid()}, without capabilities; what that user owns and its groups may "
        "do is kept from them by the other layers",
    )


def _filter() -> Protection:
    name = "system calls"
    try:
        from libvirt_webrtc.worker.sandbox import seccomp
    except SandboxError as error:
        return Protection(name, False, str(error), "install it: no worker starts without it", needed=True)
    if not seccomp.is_supported():
        return Protection(
            name,
            False,
            "the kernel has no seccomp filters: a worker can start programs, and connect to libvirt if its user may",
            "use a kernel with CONFIG_SECCOMP_FILTER, as every distribution's",
        )
    text = "seccomp: a worker starts no program, opens no file for writing, connects to no socket file"
    return Protection(name, True, text)


def _landlock() -> Protection:
    name = "files"
    abi = landlock.version()
    if abi == 0:
        return Protection(
            name,
            False,
            "no Landlock: workers open no files at all, but where OpenGL, a GPU's encoder, or the name of a STUN or "
            "TURN server makes them, they can read what their user can",
            "a kernel from 5.13 on with landlock in its lsm= list; in a container or unit, allow the landlock_* calls",
        )
    lacks = [
        *(["TCP ports (Linux 6.7)"] if abi < landlock.NETWORK_VERSION else []),
        *(
            ["signals and abstract sockets (Linux 6.12), which seccomp covers"]
            if abi < landlock.SCOPE_VERSION
            else []
        ),
    ]
    text = f"Landlock {abi}: a worker reads programs, libraries, and how names are resolved, and nothing else"
    if lacks:
        text += f"; it does not cover {', nor '.join(lacks)}"
    return Protection(name, True, text)
