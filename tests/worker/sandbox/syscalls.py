"""System calls by their x86-64 numbers, made without anything in between."""

import ctypes
import mmap
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long

NUMBERS = {
    "clone": 56,
    "vfork": 58,
    "ptrace": 101,
    "capset": 126,
    "rt_sigqueueinfo": 129,
    "pivot_root": 155,
    "mount": 165,
    "umount2": 166,
    "reboot": 169,
    "iopl": 172,
    "init_module": 175,
    "tkill": 200,
    "tgkill": 234,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "setns": 308,
    "process_vm_readv": 310,
    "finit_module": 313,
    "bpf": 321,
    "userfaultfd": 323,
    "execveat": 322,
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "open_tree": 428,
    "fsopen": 430,
    "fsmount": 432,
    "pidfd_open": 434,
    "clone3": 435,
    "openat2": 437,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
}
X32 = 0x40000000
GETPID = 39


def call(name: str, *arguments: int | bytes) -> int:
    """Raises OSError."""
    return number(NUMBERS[name], *arguments)


def number(which: int, *arguments: int | bytes) -> int:
    """Raises OSError."""
    ctypes.set_errno(0)
    converted = [
        ctypes.c_char_p(argument) if isinstance(argument, bytes) else ctypes.c_long(argument)
        for argument in arguments
    ]
    result: int = _LIBC.syscall(ctypes.c_long(which), *converted)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def i386(which: int) -> int:
    """The result of a system call as a 32-bit program makes it: negative for an error."""
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8" + which.to_bytes(4, "little") + b"\xcd\x80\xc3")  # mov eax, which; int 0x80; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    result: int = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    return result


def open_and_close(path: str, flags: int, mode: int = 0o600) -> None:
    """Raises OSError."""
    os.close(os.open(path, flags, mode))
