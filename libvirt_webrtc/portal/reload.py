"""Reading the settings again while the portal serves, and who wants to know of it."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import fields

from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.config.load import Config, ReadConfig
from libvirt_webrtc.errors import LibvirtWebRTCError

log = logging.getLogger(__name__)

OnReload = Callable[[Config], Awaitable[None]]
"""Hears the settings that were read again, also where they are the same: a file that they name may have changed."""


class Reload:
    """The settings in force; :meth:`again` reads them once more, from the same file, environment and flags.

    Attributes:
        config: as they were read last.
    """

    def __init__(self, config: Config, read: ReadConfig) -> None:
        self.config = config
        self._read = read
        self._hearers: list[OnReload] = []
        self._applied: set[str] = set()

    def on_reload(self, hear: OnReload, *settings: str) -> None:
        """Have ``hear`` called with the new settings, after those that were added before.

        Args:
            hear: puts what it takes of them into force. A LibvirtWebRTCError that it raises is logged, and what was in
                force stays.
            settings: the fields of :class:`Config` that it puts into force. Others are logged as waiting for a restart.
        """
        self._hearers.append(hear)
        self._applied.update(settings)

    async def again(self) -> None:
        """Read the settings and tell everybody. Where they cannot be read, nothing changes, and the log says why."""
        try:
            config = await in_thread(self._read)
        except LibvirtWebRTCError as error:
            log.error("the settings stay as they are: %s", error)
            return
        changed = [
            field.name
            for field in fields(Config)
            if getattr(config, field.name) != getattr(self.config, field.name)
        ]
        self.config = config
        for hear in self._hearers:
            try:
                await hear(config)
            except LibvirtWebRTCError as error:
                log.error("%s; what was in force before stays", error)
            except Exception:
                # A defect there, which keeps nobody else from hearing what the operator has taken away from whom.
                log.exception("some of the settings could not be put into force: a defect")
        log.info("the settings were read again; changed: %s", ", ".join(changed) or "none")
        if waiting := [name for name in changed if name not in self._applied]:
            log.warning("a restart of the service is needed for: %s", ", ".join(waiting))
