"""What the portal knows of consoles: values, and the one interface that it calls.

Today the supervisor implements :class:`Agent` in the same process. Nothing here holds a file descriptor, a libvirt
object or a path, so that the same interface can later cross a network to another host.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from libvirt_webrtc.agent.ends import ViewerEnd
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.stats import ConsoleStats


class ConsoleState(StrEnum):
    """Whether a domain's console can be opened."""

    READY = "ready"
    STARTING = "starting"
    FAILED = "failed"
    """Broken right now, and tried again without being asked. The reason says what happened."""
    ATTACHING = "attaching"
    """The running domain is being given its console. The reason says how far that is."""
    NONE = "none"
    """The domain has no console now. The reason says why."""


class Action(StrEnum):
    """What can be done about a domain's console."""

    ATTACH = "attach"
    """Save the running guest and start it again at once, with its console."""


@dataclass(frozen=True, slots=True)
class ConsoleView:
    """One graphic console of a domain."""

    index: int
    label: str
    width: int
    """Pixels; 0 while nobody has watched yet."""
    height: int
    scanout: str | None
    """How the last picture came: ``map`` (shared memory), ``copy``, ``dmabuf``, or None before the first viewer."""
    viewers: int
    """Who watch it now."""


@dataclass(frozen=True, slots=True)
class DomainView:
    """One domain as the list shows it."""

    uuid: str
    name: str
    state: str
    """libvirt's name of the domain's state: ``running``, ``paused``, ``shutoff``..."""
    console_state: ConsoleState
    reason: str | None
    """Why there is no console, in a sentence; None when it is ready."""
    consoles: tuple[ConsoleView, ...] = ()
    worker_pid: int | None = None
    actions: tuple[Action, ...] = ()
    """What :meth:`Agent.act` takes for it now."""
    tags: tuple[str, ...] = ()
    """Of its own settings; what roles may be given by."""

    def as_json(self) -> dict[str, Any]:
        """The form that docs/protocol.md describes."""
        return {
            "uuid": self.uuid,
            "name": self.name,
            "state": self.state,
            "console": {"state": self.console_state.value, "reason": self.reason},
            "consoles": [
                {
                    "index": console.index,
                    "label": console.label,
                    "width": console.width,
                    "height": console.height,
                    "scanout": console.scanout,
                    "viewers": console.viewers,
                }
                for console in self.consoles
            ],
            "worker_pid": self.worker_pid,
            "actions": list(self.actions),
        }


@dataclass(frozen=True, slots=True)
class DomainList:
    """All domains, and whether the list is fresh."""

    connected: bool
    problem: str | None
    """Why libvirt cannot be reached; the domains are then the last known ones."""
    domains: tuple[DomainView, ...]
    uri: str | None = None
    """The libvirt that they are of; None without libvirt."""

    def as_json(self) -> dict[str, Any]:
        """The form that docs/protocol.md describes."""
        return {
            "libvirt": {"connected": self.connected, "problem": self.problem, "uri": self.uri},
            "domains": [domain.as_json() for domain in self.domains],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one viewer's offer."""

    sdp: str
    viewer: str
    """Names this viewer in :meth:`Agent.close_viewer` and :meth:`Agent.has_viewer`; unguessable."""


class ViewerStream(Protocol):
    """One viewer's messages, both ways, as docs/protocol.md has them for a stream. Ended by :meth:`close`."""

    @property
    def viewer(self) -> str:
        """As :attr:`Answer.viewer`."""
        ...

    async def receive(self) -> bytes | None:
        """The console's next message; None once it has ended the stream. May be cancelled, for good."""
        ...

    async def send(self, message: bytes) -> None:
        """Send a viewer's message; waits while the console does not take it. May be cancelled.

        Raises:
            WorkerGone: the stream has ended.
        """
        ...

    def close(self) -> None:
        """End the stream, and with it the viewer. Idempotent."""
        ...


class Agent(Protocol):
    """Everything the portal may ask of the machine that runs the domains."""

    def list(self) -> DomainList:
        """The present list. Does not wait for anything."""
        ...

    def watch(self) -> AsyncIterator[DomainList]:
        """The present list, then the newest one after every change. Lists in between may be left out."""
        ...

    async def offer(self, uuid: str, console: int, sdp: str, grant: Grant) -> Answer:
        """Open a console for one viewer, who may do what ``grant`` says; takes at most ``WORKER_ANSWER_S``.

        Where this is cancelled, nobody waits for the answer any more, and the viewer is ended.

        Raises:
            NoSuchDomain: no domain has this UUID.
            NoConsole: the domain has no such console; says why.
            TooManyViewers: it has as many as it may have.
            ConsoleStarting: not yet.
            NegotiationError: the offer cannot be answered. GatheringError, of those, is not the offer's fault.
            WorkerError: the console's worker failed meanwhile.
        """
        ...

    async def open_stream(self, uuid: str, console: int, grant: Grant) -> ViewerStream:
        """Open a console for one viewer, who may do what ``grant`` says, without WebRTC; takes at most
        ``WORKER_ANSWER_S``.

        Where this is cancelled, the viewer is ended.

        Raises:
            NoSuchDomain, NoConsole, TooManyViewers, ConsoleStarting, WorkerError: as :meth:`offer`.
        """
        ...

    def watch_ends(self) -> AsyncIterator[ViewerEnd]:
        """Each end of a viewer from now on. None is left out, also of those whose offers were refused."""
        ...

    async def act(self, uuid: str, action: Action) -> None:
        """Begin an action and return. The list tells how far it is, and what came of it.

        Raises:
            NoSuchDomain: no domain has this UUID.
            CannotAttach: it cannot be done with the domain as it is; says why.
            HypervisorError: libvirt refuses or cannot be reached.
        """
        ...

    async def stats(self, uuid: str, console: int) -> ConsoleStats:
        """What a console's video does right now.

        Raises:
            NoSuchDomain, NoConsole, ConsoleStarting, WorkerError: as :meth:`offer`.
        """
        ...

    async def close_viewer(self, uuid: str, viewer: str) -> bool:
        """End one viewer; False when it is already gone."""
        ...

    async def has_viewer(self, uuid: str, viewer: str) -> bool:
        """Whether a viewer that :meth:`offer` named is still there: connected, or about to be.

        False once it left, lost its network, or its domain or worker ended.
        """
        ...
