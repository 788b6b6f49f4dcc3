"""What a worker is told at its start."""

from dataclasses import dataclass

from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.media.formats import DEFAULT_FORMATS, VideoFormat
from libvirt_webrtc.worker.sandbox.rights import Rights


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Fixed for a worker's life; small, because it crosses a process boundary."""

    domain_name: str
    downsample: bool
    """Halve both dimensions of every picture."""
    offer_loopback: bool
    """Whether viewers on this machine may connect over its loopback address."""
    log_level: int
    """As in :mod:`logging`."""
    formats: tuple[VideoFormat, ...] = DEFAULT_FORMATS
    """What viewers may be sent, in the order in which it is tried."""
    hardware: tuple[tuple[VideoFormat, str], ...] = ()
    """The formats that hardware encodes here, each with its encoder as FFmpeg names it."""
    ice_servers: tuple[IceServer, ...] = ()
    """The STUN and TURN servers that the worker's side of each connection uses."""
    gl_device: str = "auto"
    """What reads a display with gl=on, as the configuration's ``gl_device``."""
    render_node: str | None = None
    """The one that QEMU draws with, as far as libvirt knows."""
    rights: Rights = Rights()
    """What it needs of the machine."""
