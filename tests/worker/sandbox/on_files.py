"""Attempts to change files. Each is harmless where it works."""

import os

from tests.worker.sandbox.place import Place
from tests.worker.sandbox.syscalls import call, number
from tests.worker.sandbox.target import Tries


def writing(place: Place) -> Tries:
    new = f"{place.folder}/new"
    token = place.token
    yield "O_WRONLY", lambda: os.close(os.open(token, os.O_WRONLY))
    yield "O_RDWR", lambda: os.close(os.open(token, os.O_RDWR))
    yield "O_APPEND", lambda: os.close(os.open(token, os.O_WRONLY | os.O_APPEND))
    yield "O_CREAT", lambda: os.close(os.open(new, os.O_WRONLY | os.O_CREAT, 0o600))
    yield "O_CREAT in /tmp", lambda: os.close(os.open(f"/tmp/lvw-{os.getpid()}", os.O_RDONLY | os.O_CREAT))
    yield "O_TMPFILE", lambda: os.close(os.open("/tmp", os.O_RDWR | os.O_TMPFILE))
    yield "creat", lambda: os.close(number(85, new.encode(), 0o600))
    yield "openat2", lambda: os.close(call("openat2", -100, token.encode(), 0, 0))
    yield "truncate", lambda: os.truncate(token, 3)
    yield "chmod", lambda: os.chmod(token, 0o644)
    yield "utime", lambda: os.utime(token)
    yield "mkdir", lambda: os.mkdir(f"{place.folder}/folder")
    yield "symlink", lambda: os.symlink("token", f"{place.folder}/symlink")
    yield "link", lambda: os.link(token, f"{place.folder}/link")
    yield "mkfifo", lambda: os.mkfifo(f"{place.folder}/fifo")
    yield "setxattr", lambda: os.setxattr(token, "user.x", b"x")
    yield "rename", lambda: os.rename(token, new)
    yield "unlink", lambda: os.unlink(place.config)
