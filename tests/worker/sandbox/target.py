"""What is attacked."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.worker.sandbox.place import Place

REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS)


@dataclass(frozen=True, slots=True)
class Victim:
    """Another process, and where its secret is in its memory."""

    pid: int
    address: int
    length: int


@dataclass(frozen=True, slots=True)
class Target:
    """All that is attacked; a value, because it crosses a process boundary."""

    place: Place
    service: Victim
    sibling: Victim
    """Another worker."""

    @property
    def victims(self) -> tuple[Victim, Victim]:
        return self.service, self.sibling


Try = Callable[[], object]
"""Raises OSError with one of REFUSALS where it is refused."""

Tries = Iterator[tuple[str, Try]]
