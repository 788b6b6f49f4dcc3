"""``libvirt-webrtc stream``: the consoles of one QEMU that runs without libvirt."""

import logging
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self
from uuid import NAMESPACE_URL, uuid5

from libvirt_webrtc.agent.ends import ViewerEnd
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.interface import (
    Action,
    Answer,
    ConsoleState,
    DomainList,
    DomainView,
    ViewerStream,
)
from libvirt_webrtc.agent.latest import LatestValue
from libvirt_webrtc.agent.stats import ConsoleStats
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.config.load import Config, ReadConfig
from libvirt_webrtc.display.address import parse_address
from libvirt_webrtc.display.qmp import open_display
from libvirt_webrtc.domains.snapshot import DomainState
from libvirt_webrtc.errors import CannotAttach, ConfigError, ConsoleStarting, NoSuchDomain, WorkerGone
from libvirt_webrtc.portal.auth.token import load_token
from libvirt_webrtc.portal.server import run_portal
from libvirt_webrtc.service.bus_socket import open_bus
from libvirt_webrtc.service.console_maker import ConsoleMaker
from libvirt_webrtc.service.worker_supervisor import DisplaySource, WorkerSupervisor

log = logging.getLogger(__name__)

UNNAMED = "QEMU"
"""The guest's name until QEMU tells its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """How to reach a QEMU's display."""

    name: str
    """Unique for each place. Shown to people; the domain's UUID is made from it."""
    display: DisplaySource


def on_bus(address: str) -> Place:
    """The QEMU on the bus with this D-Bus address. Raises DisplayError for an address that cannot be used."""
    parse_address(address)
    return Place(address, DisplaySource(partial(open_bus, address), on_bus=True, awaited=True))


def by_monitor(path: Path) -> Place:
    """The QEMU whose monitor (QMP) listens at the Unix socket ``path``."""
    path = path.absolute()
    return Place(f"qmp:{path}", DisplaySource(partial(open_display, path), awaited=True))


def session_bus(environ: Mapping[str, str]) -> str:
    """The address of the user's bus, where QEMU itself goes unless it is told another: as GLib finds it.

    Raises:
        ConfigError: there is none.
    """
    if address := environ.get("DBUS_SESSION_BUS_ADDRESS", ""):
        return address
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.path.exists(path := os.path.join(runtime, "bus")):
        return f"unix:path={path}"
    raise ConfigError(
        "which QEMU? Name its bus with --address unix:path=... or DBUS_SESSION_BUS_ADDRESS, or its monitor with --qmp"
    )


async def stream(read_config: ReadConfig, place: Place) -> None:
    """Serve until SIGINT or SIGTERM; QEMU may come and go meanwhile. The settings are read as by ``serve``.

    Raises:
        ConfigError: a setting cannot be used, the address is taken, or the token file cannot be used.
    """
    config = read_config()
    token = load_token(config.token_file)
    async with SingleQemu(config, place) as agent:
        await run_portal(agent, config, token, read_config)


class SingleQemu:
    """Implements :class:`libvirt_webrtc.agent.interface.Agent` for one QEMU, as the list's only domain.

    Its UUID is made from the place, not QEMU's own: the page is there before QEMU, and after it. It counts as
    running while its display is there.
    """

    def __init__(self, config: Config, place: Place) -> None:
        self.uuid = str(uuid5(NAMESPACE_URL, place.name))
        self._place = place
        self._maker = ConsoleMaker(config)
        self._tasks = TaskSet()
        self._worker_supervisor: WorkerSupervisor | None = None
        self._name = UNNAMED
        self._told = ""
        self._trouble: str | None = None
        """Why there is no worker supervisor."""
        self._latest = LatestValue(self.list())

    async def __aenter__(self) -> Self:
        await self._maker.prepare()
        self._tasks.start(self._begin(), name="setting the console up", on_failure=self._failed)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._tasks.close()
        if self._worker_supervisor is not None:
            await self._worker_supervisor.close()
        self._latest.close()
        self._maker.viewer_ends.close()

    async def _begin(self) -> None:
        await self._maker.test_hardware()
        self._worker_supervisor = self._maker.make(UNNAMED, self._place.display, self._publish, gl=True)

    def _failed(self, error: Exception) -> None:
        self._trouble = f"an unexpected error: {error!r}"
        self._latest.set(self.list())

    def list(self) -> DomainList:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return DomainList(True, None, (self._view(),))

    def watch(self) -> AsyncIterator[DomainList]:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return self._latest.values()

    def watch_ends(self) -> AsyncIterator[ViewerEnd]:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return self._maker.viewer_ends.watch()

    async def offer(self, uuid: str, console: int, sdp: str, grant: Grant) -> Answer:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return await self._open_worker_supervisor(uuid).offer(console, sdp, grant)

    async def open_stream(self, uuid: str, console: int, grant: Grant) -> ViewerStream:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return await self._open_worker_supervisor(uuid).open_stream(console, grant)

    async def stats(self, uuid: str, console: int) -> ConsoleStats:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return await self._open_worker_supervisor(uuid).stats(console)

    async def act(self, uuid: str, action: Action) -> None:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        self._check(uuid)
        raise CannotAttach("it runs without libvirt, which would do that")

    async def close_viewer(self, uuid: str, viewer: str) -> bool:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        try:
            return await self._open_worker_supervisor(uuid).close_viewer(viewer)
        except (ConsoleStarting, WorkerGone):
            return False

    async def has_viewer(self, uuid: str, viewer: str) -> bool:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        supervisor = self._worker_supervisor
        return uuid == self.uuid and supervisor is not None and supervisor.has_viewer(viewer)

    def _publish(self) -> None:
        if self._worker_supervisor is not None:
            self._name = self._worker_supervisor.vm_name or self._name
        self._latest.set(self.list())
        self._tell(self._view())

    def _tell(self, now: DomainView) -> None:
        """Log what the console's state is, once for each change."""
        if now.console_state is ConsoleState.READY:
            text = f"the console of {now.name} can be opened"
        elif now.console_state is ConsoleState.FAILED:
            text = f"waiting for QEMU: {now.reason}"
        elif now.console_state is ConsoleState.NONE:
            text = f"{now.name}: {now.reason}"
        else:
            return
        if text != self._told:
            self._told = text
            log.info("%s", text)

    def _view(self) -> DomainView:
        worker_supervisor = self._worker_supervisor
        if worker_supervisor is None:
            return DomainView(
                self.uuid,
                self._name,
                DomainState.SHUTOFF,
                ConsoleState.STARTING if self._trouble is None else ConsoleState.FAILED,
                self._trouble or "the console is being set up",
            )
        # One without a screen runs as well.
        runs = worker_supervisor.state in (ConsoleState.READY, ConsoleState.NONE)
        return DomainView(
            self.uuid,
            self._name,
            DomainState.RUNNING if runs else DomainState.SHUTOFF,
            worker_supervisor.state,
            worker_supervisor.reason,
            worker_supervisor.consoles,
            worker_supervisor.worker_pid,
        )

    def _open_worker_supervisor(self, uuid: str) -> WorkerSupervisor:
        """Raises NoSuchDomain or ConsoleStarting."""
        self._check(uuid)
        if self._worker_supervisor is None:
            raise ConsoleStarting("the console is being set up")
        return self._worker_supervisor

    def _check(self, uuid: str) -> None:
        if uuid != self.uuid:
            raise NoSuchDomain(f"there is no domain with the UUID {uuid}")
