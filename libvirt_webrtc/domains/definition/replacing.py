"""Domain XML without VNC and SPICE, next to which QEMU takes no OpenGL display.

Pure. With SPICE goes what only works through it; the rest of the domain stays as it is. Nothing here can be
taken back: whoever calls keeps the original.
"""

from libvirt_webrtc.domains.definition.document import Document, remove

_REMOTE = frozenset({"vnc", "spice", "egl-headless"})
"""The last one renders for the other two, and libvirt takes it with them only."""

_SPICE_CHARDEVS = frozenset({"spicevmc", "spiceport"})


def remove_remote_displays(xml: str) -> str:
    """The domain without VNC and SPICE displays; text without any comes back as it is.

    Raises DomainXMLError where ``xml`` is no domain.
    """
    document = Document.parse(xml)
    devices = document.root.find("devices")
    remote = [] if devices is None else [e for e in devices.findall("graphics") if e.get("type") in _REMOTE]
    if devices is None or not remote:
        return xml
    # By libvirt's formatdomain.rst: these kinds of device have a character device behind them.
    for kind in ("channel", "redirdev", "smartcard", "serial", "parallel", "console"):
        remote += [each for each in devices.findall(kind) if each.get("type") in _SPICE_CHARDEVS]
    for element in remote:
        remove(element)
    for audio in devices.findall("audio"):
        if audio.get("type") == "spice":
            audio.set("type", "none")  # sound devices may name it
    return document.text()
