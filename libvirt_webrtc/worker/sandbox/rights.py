"""What one worker needs of the machine besides its descriptors: everything else is taken from it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rights:
    """Small values, because they cross a process boundary. The default suits a display without OpenGL."""

    graphics: bool = False
    """Whether it reads pictures with OpenGL, and so may read what Mesa reads about the machine's GPUs."""
    devices: tuple[str, ...] = ()
    """Device files that it may open for reading and writing: render nodes, and hardware encoders."""
    tcp_ports: tuple[int, ...] = ()
    """Ports of TURN servers that are reached by TCP."""
    resolves_names: bool = False
    """Whether a STUN or TURN server is given by name, or has a certificate: both are looked up in files."""
