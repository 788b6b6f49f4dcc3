"""Blocking questions to libvirt with a limit.

libvirt's keepalive ends a call to a daemon that is frozen, not one that the daemon has taken and does not answer: all
of its threads may be busy, or one may hold the domain for a start, or wait for a QEMU that it asks what it can do.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from libvirt_webrtc.concurrency.threads import with_limit
from libvirt_webrtc.domains.libvirt_api import VirConnect, open_connection
from libvirt_webrtc.errors import NoAnswer

T = TypeVar("T")

ANSWER_S = 120.0
"""Limit for all that one command asks, in seconds. libvirt takes up to a minute where it asks QEMU anew what it can do,
which it does after an upgrade of either."""

FIRST_WORD_S = 3.0
NEXT_WORD_S = 15.0
"""Seconds until somebody who waits is told so, and is told again."""


@contextmanager
def connected(uri: str | None) -> Iterator[VirConnect]:
    """Open a connection for the block. Raises HypervisorUnavailable.

    It is closed at the block's end, unless a call still uses it: after NoAnswer, or where the user interrupts.
    """
    connection = open_connection(uri)
    try:
        yield connection
    except NoAnswer:
        raise
    except Exception:
        connection.close()
        raise
    else:
        connection.close()


def ask(
    question: Callable[[], T], limit_s: float | None = None, *, on_wait: Callable[[], object] | None = None
) -> T:
    """What ``question`` gives, or raises. It asks libvirt, in a thread that goes on where the limit is over.

    Args:
        question: all that is to be asked.
        limit_s: ANSWER_S where it is None.
        on_wait: called, in some thread, after FIRST_WORD_S and then every NEXT_WORD_S, until there is an answer.

    Raises:
        NoAnswer: the limit is over.
    """
    limit_s = ANSWER_S if limit_s is None else limit_s
    over = threading.Event()
    if on_wait is not None:
        threading.Thread(target=_tell, args=(over, on_wait), name="libvirt-waiting", daemon=True).start()
    try:
        return with_limit(question, limit_s)
    except TimeoutError:
        raise NoAnswer(
            f"libvirt has not answered for {limit_s:g} s: its daemon hangs, or is busy with the domain. See 'systemctl "
            "status libvirtd virtqemud'; restarting the daemon leaves guests running"
        ) from None
    finally:
        over.set()


def _tell(over: threading.Event, on_wait: Callable[[], object]) -> None:
    wait_s = FIRST_WORD_S
    while not over.wait(wait_s):
        on_wait()
        wait_s = NEXT_WORD_S
