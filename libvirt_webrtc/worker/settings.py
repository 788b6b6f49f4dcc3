"""What a worker is told at its start."""

from dataclasses import dataclass

from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.media.formats import DEFAULT_FORMATS, VideoFormat
from libvirt_webrtc.worker.sandbox.rights import Rights


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What does not change in a worker's life. Small values, because they cross a process boundary."""

    domain_name: str
    """For the log."""
    downsample: bool
    """Halve both dimensions of every picture."""
    offer_loopback: bool
    """Whether viewers on this machine may connect over its loopback address."""
    log_level: int
    """As in :mod:`logging`."""
    formats: tuple[VideoFormat, ...] = DEFAULT_FORMATS
    """The formats that viewers may get; the first one that a viewer takes is used."""
    hardware: tuple[tuple[VideoFormat, str], ...] = ()
    """The formats that hardware encodes here, each with its encoder as FFmpeg names it."""
    ice_ports: PortRange | None = None
    """The UDP ports that it uses; None: any."""
    ice_addresses: tuple[str, ...] = ()
    """What it offers to viewers; empty: all addresses of this host."""
    gl_device: str = "auto"
    """What reads a display with gl=on, as the configuration's ``gl_device``."""
    render_node: str | None = None
    """The path of the render node that QEMU draws with, as far as libvirt knows."""
    rights: Rights = Rights()
    """What it needs of the machine."""
