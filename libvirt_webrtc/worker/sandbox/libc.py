"""Linux system calls that Python's standard library has no function for."""

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.prctl.argtypes = [ctypes.c_int, *([ctypes.c_ulong] * 4)]
_LIBC.prctl.restype = ctypes.c_int
_LIBC.syscall.restype = ctypes.c_long

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
"""``linux/prctl.h``."""


def prctl(option: int, *arguments: int) -> int:
    """``prctl(2)`` with integer arguments. Raises OSError."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    return _checked(_LIBC.prctl(option, *padded))


def set_process_name(name: str) -> None:
    """Name the calling thread, and so the process for ``ps``; 15 bytes count."""
    buffer = ctypes.create_string_buffer(name.encode()[:15])
    prctl(PR_SET_NAME, ctypes.addressof(buffer))


def syscall(number: int, *arguments: int) -> int:
    """Any system call, with integers and addresses as its arguments. Raises OSError."""
    return _checked(_LIBC.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, arguments)))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
