"""One viewer, whatever its connection goes over: which of the domain's consoles it knows, and has open."""

import asyncio
import time
from collections.abc import Callable, Sequence

from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.worker.viewer_console import ConsoleForViewers, ViewerConsole

ACCESS_OVER = "the time that access was given for is over"


class Viewer:
    """The consoles of one viewer, in the order of its connection's sections.

    The first section belongs to the console that was asked for, which is watched from the start. Each further section
    belongs to the next of ``shared_consoles``, now or when there is one; a console that goes and comes back keeps its
    section. Consoles beyond the sections are told to the viewer and cannot be opened.

    Attributes:
        name: unguessable; the supervisor's name of it.
        grant: what it may do.
        tracks: one for each section, in order. Who makes the connection fills it before :meth:`open_first`.
    """

    def __init__(
        self,
        name: str,
        shared_consoles: Sequence[ConsoleForViewers],
        grant: Grant,
        *,
        on_fault: Callable[[object], None],
    ) -> None:
        """
        Args:
            name: see above.
            shared_consoles: the console that was asked for, then the others that there are now.
            grant: what the viewer may do, and until when.
            on_fault: called with the reason why this viewer must be disconnected.
        """
        self.name = name
        self.grant = grant
        self.tracks: list[ConsoleTrack] = []
        self._shared_consoles = list(shared_consoles)
        self._present = {shared.index for shared in shared_consoles}
        self._on_fault = on_fault
        self._opened: dict[int, ViewerConsole] = {}
        """By the console's index."""
        self._told_consoles = b""
        self._end: asyncio.TimerHandle | None = None
        if grant.until is not None:
            left = max(0.0, grant.until - time.monotonic())
            self._end = asyncio.get_running_loop().call_later(left, on_fault, ACCESS_OVER)
        self._closed = False

    @property
    def bytes_sent(self) -> int:
        """Of encoded pictures, on all tracks."""
        return sum(track.stats().bytes for track in self.tracks)

    @property
    def first(self) -> ConsoleForViewers:
        """The console that was asked for."""
        return self._shared_consoles[0]

    def index_of(self, section: int) -> int:
        """The index of the console that a section belongs to."""
        return self._shared_consoles[section].index

    def open_first(self) -> None:
        """Open and watch the console that was asked for."""
        self._open(self.first, self.tracks[0]).watch(True)

    def console(self, index: int | None) -> ViewerConsole | None:
        """This viewer's console of that index, opened now if it was not; None: the one that was asked for.

        Returns None where there is no such console, it has no section, or the viewer is closed.
        """
        if self._closed:
            return None
        if index is None:
            return self._opened.get(self.first.index)
        # Not the first one: its channels have names without an index.
        for shared, track in zip(self._shared_consoles[1:], self.tracks[1:], strict=False):
            if shared.index == index:
                return self._opened.get(index) or self._open(shared, track)
        return None

    def consoles_changed(self, shared_consoles: Sequence[ConsoleForViewers]) -> None:
        """These are the domain's consoles now: tell the viewer."""
        known = {shared.index for shared in self._shared_consoles}
        self._shared_consoles += [shared for shared in shared_consoles if shared.index not in known]
        self._present = {shared.index for shared in shared_consoles}
        self.tell_consoles()

    def tell_consoles(self, *, again: bool = False) -> None:
        """Send CONSOLES where it is not what was sent last, or ``again`` to a channel that has just opened."""
        first = self._opened.get(self.first.index)
        if first is None:
            return
        told = display_messages.consoles(
            {
                "consoles": [
                    {
                        "index": shared.index,
                        "section": section if section < len(self.tracks) else None,
                        "label": shared.label,
                        "enabled": shared.enabled,
                    }
                    for section, shared in enumerate(self._shared_consoles)
                    if shared.index in self._present
                ]
            }
        )
        if again or told != self._told_consoles:
            self._told_consoles = told
            first.send(told)

    def tell_end(self, why: str) -> None:
        """Send ENDED: the connection is about to end."""
        if (first := self._opened.get(self.first.index)) is not None:
            first.send(display_messages.ended(why))

    async def close(self) -> None:
        """Release what is held on every console, and leave them. Idempotent; see :meth:`ViewerConsole.close`."""
        self._closed = True
        if self._end is not None:
            self._end.cancel()
        await asyncio.gather(*(opened.close() for opened in self._opened.values()))

    def _open(self, shared: ConsoleForViewers, track: ConsoleTrack) -> ViewerConsole:
        opened = ViewerConsole(
            f"{self.name}/{shared.index}", shared, track, self.grant.role, on_fault=self._on_fault
        )
        self._opened[shared.index] = opened
        return opened
