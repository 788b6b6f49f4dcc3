"""Domain XML without VNC and SPICE, next to which QEMU takes no OpenGL display.

Pure. With SPICE goes what only works through it; the rest of the domain stays as it is. This cannot be taken back: the
caller keeps the original.
"""

from libvirt_webrtc.domains.definition.display import other_displays
from libvirt_webrtc.domains.definition.document import Document, remove

_REMOTE = frozenset({"vnc", "spice", "egl-headless"})
"""egl-headless renders for the other two, and libvirt takes it with them only."""

_SPICE_CHARDEVS = frozenset({"spicevmc", "spiceport"})


def remove_remote_displays(document: Document) -> Document:
    """The domain without VNC and SPICE displays; one that has none is returned as it is."""
    if not other_displays(document) & _REMOTE:
        return document
    edited = document.edit()
    devices = edited.root.find("devices")
    assert devices is not None
    remote = [each for each in devices.findall("graphics") if each.get("type") in _REMOTE]
    # By libvirt's formatdomain.rst: these kinds of device have a character device behind them.
    for kind in ("channel", "redirdev", "smartcard", "serial", "parallel", "console"):
        remote += [each for each in devices.findall(kind) if each.get("type") in _SPICE_CHARDEVS]
    for element in remote:
        remove(element)
    for audio in devices.findall("audio"):
        if audio.get("type") == "spice":
            audio.set("type", "none")  # sound devices may name it
    return edited
