"""All layers, one after the other."""

import logging
import os
import signal
from collections.abc import Collection

from libvirt_webrtc.errors import SandboxError
from libvirt_webrtc.worker.sandbox import identity, landlock, libc, limits, paths
from libvirt_webrtc.worker.sandbox.rights import Rights

log = logging.getLogger(__name__)


def lock_in(rights: Rights, keep: Collection[int]) -> None:
    """Take from this process, for good, everything but ``rights`` and the descriptors in ``keep``.

    To be called while there is one thread, before anything foreign is read. A layer that the kernel lacks is left
    out; ``survey.py`` says which. Takes 5 ms.

    Raises:
        SandboxError: a layer that the kernel has could not be put on. The process must end.
    """
    try:
        _lock_in(rights, keep)
    except OSError as error:
        raise SandboxError(f"the process cannot be locked in: {error}") from error


def _lock_in(rights: Rights, keep: Collection[int]) -> None:
    if len(os.listdir("/proc/self/task")) != 1:
        raise SandboxError(
            "the process cannot be locked in: it has threads already, which Landlock would not cover"
        )
    from libvirt_webrtc.worker.sandbox import seccomp  # raises where its library is missing

    limits.close_other_descriptors(keep)
    limits.lower_limits()
    abi = landlock.version()
    program = seccomp.program(
        may_open=bool(abi) or _opens_files(rights),
        devices=bool(rights.devices),
        tcp=bool(rights.tcp_ports),
    )
    identity.drop_bounding_set()
    changed = identity.drop_ids(rights.devices)
    identity.drop_capabilities()
    limits.hide_from_siblings()
    # After the ids: changing them takes it back. The fork server ends with the supervisor, and takes along even a
    # worker that hangs.
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    if abi:
        landlock.restrict(
            abi,
            readable=paths.readable(graphics=rights.graphics),
            listable=paths.listable(graphics=rights.graphics),
            devices=rights.devices,
            tcp_ports=rights.tcp_ports,
        )
    if seccomp.is_supported():
        seccomp.restrict(program)
    log.debug("locked in: uid %s%s, Landlock %s", os.geteuid(), "" if changed else " as before", abi)


def _opens_files(rights: Rights) -> bool:
    """Whether it works only if it can open files; where Landlock does not say which, others cannot open any."""
    return rights.graphics or bool(rights.devices) or rights.resolves_names
