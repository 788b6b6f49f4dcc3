"""Makes worker supervisors as the configuration says, for ``serve`` and ``stream``."""

import asyncio
import logging
from collections.abc import Callable

from libvirt_webrtc.agent.ends import ViewerEnds
from libvirt_webrtc.config.ice import IceConfig
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.media.formats import VideoFormat, formats_of
from libvirt_webrtc.probes.encoder import find_hardware
from libvirt_webrtc.service.registration_counts import RegistrationCount
from libvirt_webrtc.service.rights import worker_rights
from libvirt_webrtc.service.worker_supervisor import DisplaySource, WorkerSupervisor
from libvirt_webrtc.worker.forking import warm_up
from libvirt_webrtc.worker.sandbox.survey import survey
from libvirt_webrtc.worker.settings import WorkerSettings

log = logging.getLogger(__name__)


class ConsoleMaker:
    """Makes worker supervisors as the configuration says.

    Attributes:
        viewer_ends: of all consoles.
    """

    def __init__(self, config: Config) -> None:
        self.viewer_ends = ViewerEnds()
        self._config = config
        self._hardware: tuple[tuple[VideoFormat, str], ...] = ()

    async def prepare(self) -> None:
        """Do what is done once, before everything else. Takes about a second."""
        for layer in survey():
            if layer.present:
                log.info("workers: %s: %s", layer.name, layer.text)
            else:
                log.warning("workers: %s: %s; %s", layer.name, layer.text, layer.remedy)
        _tell_of_servers(self._config.ice)
        await asyncio.to_thread(warm_up)

    async def test_hardware(self) -> None:
        """Find out which encoders the consoles that are made later may use, where the configuration asks for hardware.

        Takes seconds, and where a driver hangs as long as :func:`find_hardware`: the portal does not wait for it.
        """
        if self._config.video.encoder == "auto":
            self._hardware = await find_hardware()

    def make(
        self,
        name: str,
        display: DisplaySource,
        on_change: Callable[[], None],
        *,
        gl: bool,
        render_node: str | None = None,
        registrations: RegistrationCount | None = None,
    ) -> WorkerSupervisor:
        """A worker supervisor for the domain of this name; it begins at once.

        Args:
            gl: whether QEMU's pictures may come by OpenGL.
            render_node: what QEMU draws them with, if that is known.
            registrations: those with its QEMU before, where they are counted elsewhere as well.
        """
        video = self._config.video
        settings = WorkerSettings(
            domain_name=name,
            downsample=self._config.downsample,
            # Behind a proxy nobody is on this machine, even where that is.
            offer_loopback=self._config.listen.is_loopback and self._config.portal.public_url is None,
            log_level=logging.getLogger().getEffectiveLevel(),
            formats=formats_of(video.codecs, full_chroma=video.chroma == "auto"),
            hardware=self._hardware,
            ice_ports=self._config.ice.ports,
            ice_addresses=self._config.ice.addresses,
            gl_device=video.gl_device,
            render_node=render_node,
            rights=worker_rights(
                self._config.ice,
                graphics=gl,
                gl_device=video.gl_device,
                encoders=[name for _, name in self._hardware],
            ),
        )
        return WorkerSupervisor(
            settings,
            display,
            on_change,
            registrations,
            ice_servers=self._config.ice.servers_for_one,
            on_viewer_ended=self.viewer_ends.tell,
        )


def _tell_of_servers(ice: IceConfig) -> None:
    """Log which STUN and TURN servers this host will use, and which of the configuration it cannot."""
    if ice.problem is not None:
        log.warning("viewers cannot connect: %s", ice.problem)
    for target in ice.targets:
        if target.is_for_browsers_only:
            log.warning("%s is for browsers only: this host cannot use it", target)
    used = [str(target) for target in ice.targets if not target.is_for_browsers_only]
    if used:
        log.info("workers ask these servers, the next where one gives nothing: %s", ", ".join(used))
