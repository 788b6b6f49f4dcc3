"""How often listeners may be registered with one QEMU process."""

from collections.abc import Callable

from libvirt_webrtc.errors import DisplayError

MAX_REGISTRATIONS = 200
"""Registrations with one QEMU process. QEMU 9.0 to 10.x keeps a file descriptor, and CPU time for each frame, for every
listener that was ever closed, until it exits; at about 1,000 of them its descriptors run out and it dies (tried with
QEMU 10.0.2; QEMU 7.2 and 11.1.2 free closed listeners)."""


def worn_out(used: int) -> str:
    """Why a QEMU with ``used`` registrations gets no more, and what to do, in a sentence."""
    return (
        f"listeners were registered {used} times with this guest's QEMU, which may keep each until it ends: give the "
        "guest a new QEMU by saving and starting it (virsh managedsave, then virsh start: it goes on where it was), "
        "by migrating it, or by shutting it down and starting it again"
    )


class RegistrationBudget:
    """Counts the registrations with one QEMU process and refuses those beyond the limit.

    The leak lasts as long as QEMU, which outlives display connections and workers: share one budget among all
    connections to the same QEMU, and carry ``used`` from one worker to the next.
    """

    def __init__(
        self,
        used: int = 0,
        *,
        limit: int = MAX_REGISTRATIONS,
        on_use: Callable[[int], None] | None = None,
    ) -> None:
        """
        Args:
            used: registrations with this QEMU before, by whomever.
            limit: the largest number of registrations that are allowed together.
            on_use: called with the new ``used`` just before each registration is asked for.
        """
        self._used = used
        self._limit = limit
        self._on_use = on_use

    @property
    def used(self) -> int:
        """Registrations that were asked for so far, those before this budget included."""
        return self._used

    def use(self) -> None:
        """Count one registration that is about to be asked for.

        Raises:
            DisplayError: the limit is reached; only a new QEMU process takes further listeners.
        """
        if self._used >= self._limit:
            raise DisplayError(worn_out(self._used))
        self._used += 1
        if self._on_use is not None:
            self._on_use(self._used)
