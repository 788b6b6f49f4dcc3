"""Ids, groups and capabilities."""

import ctypes
import errno
import os
import stat
from collections.abc import Iterable

from libvirt_webrtc.worker.sandbox import libc

FIRST_ID, LAST_ID = 61184, 65519
"""The ids that systemd gives to services with ``DynamicUser=``: nobody's, and owners of no file
(https://systemd.io/UIDS-GIDS/)."""

_CAP_SETGID, _CAP_SETUID = 6, 7
_CAPABILITY_VERSION_3 = 0x20080522
"""``linux/capability.h``."""

_LIBC = ctypes.CDLL(None, use_errno=True)


def own_id() -> int:
    """A user and group id for this process alone, as far as there are enough of them."""
    return FIRST_ID + os.getpid() % (LAST_ID - FIRST_ID + 1)


def may_change_ids() -> bool:
    """Whether this process has the capabilities for it: as root, as a rule."""
    effective, _, _ = _capabilities()
    return bool(effective >> _CAP_SETUID & 1 and effective >> _CAP_SETGID & 1)


def drop_ids(devices: Iterable[str]) -> bool:
    """Become a user who owns nothing, for good, with the groups that ``devices`` are opened with.

    Returns:
        False where this process must not change its ids, or where its user namespace has no others.

    Raises:
        OSError: anything else went wrong; the ids may have been changed in part.
    """
    if not may_change_ids():
        return False
    new = own_id()
    groups = device_groups(devices)
    try:
        os.setgroups(groups)
        os.setresgid(new, new, new)
        os.setresuid(new, new, new)
    except OSError as error:
        # EINVAL: an id that this user namespace does not map; EPERM: one that forbids setgroups().
        if error.errno in (errno.EINVAL, errno.EPERM) and not _has_all_ids():
            return False
        raise
    return True


def device_groups(devices: Iterable[str]) -> list[int]:
    """The groups that must be kept to open these device files; never root's."""
    groups = set()
    for device in devices:
        try:
            status = os.stat(device)
        except FileNotFoundError:
            continue
        if stat.S_ISCHR(status.st_mode) and status.st_mode & 0o060 and status.st_gid != 0:
            groups.add(status.st_gid)
    return sorted(groups)


def drop_bounding_set() -> None:
    """See to it that no program could ever bring a capability back. Before the ids are dropped: it needs one itself.

    Raises:
        OSError: anything but the lack of that capability, where ``no_new_privs`` does the same.
    """
    for number in range(64):
        try:
            libc.prctl(libc.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EPERM):  # the kernel has no more of them; no CAP_SETPCAP
                return
            raise


def drop_capabilities() -> None:
    """Give up all capabilities; also those of root, where the ids could not be changed.

    Raises:
        OSError: something of them is left.
    """
    libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_CLEAR_ALL)
    if any(_capabilities()):  # else there is no need for a call that a unit's own filter may refuse
        _call(_LIBC.capset, (ctypes.c_uint32 * 6)())
    if any(_capabilities()):
        raise OSError(errno.EPERM, "capabilities are left")


def _capabilities() -> tuple[int, int, int]:
    """Effective, permitted and inheritable, as bits. Raises OSError."""
    data = (ctypes.c_uint32 * 6)()
    _call(_LIBC.capget, data)
    return data[0] | data[3] << 32, data[1] | data[4] << 32, data[2] | data[5] << 32


def _call(function: "ctypes._NamedFuncPointer", data: "ctypes.Array[ctypes.c_uint32]") -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if function(header, data) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _has_all_ids() -> bool:
    """Whether this process is in the machine's own user namespace, which maps every id to itself."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split() == ["0", "0", str(2**32 - 1)]
