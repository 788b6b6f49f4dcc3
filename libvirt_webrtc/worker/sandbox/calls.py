"""The system calls that a worker makes, for one rule each; :mod:`libvirt_webrtc.worker.sandbox.seccomp` adds them.

What is not here is refused. The lists were made from traces of workers in the end-to-end tests, and from what the C
library, Python, FFmpeg and Mesa may call instead on other versions.
"""

MEMORY = (
    *(
        "brk",
        "mmap",
        "mmap2",
        "munmap",
        "mremap",
        "mprotect",
        "madvise",
        "mincore",
        "membarrier",
        "memfd_create",
    ),
    *("mlock", "munlock", "mseal", "pkey_alloc", "pkey_free", "pkey_mprotect"),
)
DESCRIPTORS = (
    *("read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2"),
    *(
        "lseek",
        "_llseek",
        "close",
        "close_range",
        "dup",
        "dup2",
        "dup3",
        "pipe",
        "pipe2",
        "ftruncate",
        "ftruncate64",
    ),
    *("fallocate", "fadvise64", "fadvise64_64", "arm_fadvise64_64"),
    *("select", "_newselect", "pselect6", "poll", "ppoll"),
    *("epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2"),
    *("eventfd", "eventfd2", "timerfd_create", "timerfd_settime", "timerfd_gettime"),
)
"""``ftruncate`` and ``fallocate`` need a descriptor for writing: a memory file."""
FILES = (
    *("stat", "stat64", "lstat", "lstat64", "fstat", "fstat64", "newfstatat", "fstatat64", "statx"),
    *("statfs", "statfs64", "fstatfs", "fstatfs64", "access", "faccessat", "faccessat2"),
    *("readlink", "readlinkat", "getcwd", "getdents", "getdents64"),
)
"""To look at. Opening has rules of its own."""
NETWORK = (
    *("connect", "bind", "getsockname", "getpeername", "setsockopt", "getsockopt", "shutdown"),
    *("send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg"),
)
"""For sockets that it has. Making them has rules of its own; none can listen."""
THREADS = (
    *(
        "futex",
        "futex_time64",
        "futex_waitv",
        "set_robust_list",
        "get_robust_list",
        "rseq",
        "set_tid_address",
    ),
    *("arch_prctl", "riscv_flush_icache", "cacheflush", "sched_yield", "sched_getaffinity", "sched_getparam"),
    *("sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "getcpu", "getpriority"),
)
SIGNALS = (
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait"),
    *("sigaltstack", "sigreturn", "pause"),
)
TIME = (
    *("clock_gettime", "clock_gettime64", "clock_getres", "clock_nanosleep", "clock_nanosleep_time64"),
    *("gettimeofday", "nanosleep", "time", "times", "alarm", "setitimer", "getitimer"),
    *(
        "timer_create",
        "timer_settime",
        "timer_gettime",
        "timer_getoverrun",
        "timer_delete",
        "restart_syscall",
    ),
)
ABOUT_ITSELF = (
    *("getpid", "getppid", "gettid", "getpgrp", "getpgid", "getsid", "uname", "sysinfo", "getrandom"),
    *(
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
        "getresuid",
        "getresgid",
        "getgroups",
        "getrusage",
        "getrlimit",
    ),
    *("ugetrlimit", "wait4", "waitid", "exit", "exit_group"),
)

UNCONDITIONAL = (
    *MEMORY,
    *DESCRIPTORS,
    *FILES,
    *NETWORK,
    *THREADS,
    *SIGNALS,
    *TIME,
    *ABOUT_ITSELF,
)

OPENING = (("open", 1), ("openat", 2))
"""Each with the number of its argument for flags."""

NEWEST = range(424, 512)
"""The calls since Linux 5.1, which have one number on all architectures (alpha's are 110 higher).

Those that are not allowed answer "not implemented", as on an older kernel, so that the C library does without them:
``clone3`` hides its flags from filters, ``openat2`` too.
"""
