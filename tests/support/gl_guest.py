"""Domains whose QEMU draws with OpenGL in software."""

from lxml import etree

from tests.support import mesa

_QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
MODELS = {
    "VGA": {"type": "vga", "vram": "16384"},
    "virtio-vga": {"type": "virtio"},
    "virtio-vga-gl": {"type": "virtio"},
}
"""libvirt's names for QEMU's devices."""


def with_gl(xml: str, device: str, *, shim: bool = True, disk: str | None = None) -> str:
    """The domain with gl=on and this video device, without VNC.

    ``shim`` False leaves QEMU without /dev/udmabuf; ``disk`` is booted in the place of its kernel.
    """
    root = etree.fromstring(xml.encode())
    devices = root.find("devices")
    assert devices is not None
    for graphics in devices.findall("graphics"):
        if graphics.get("type") != "dbus":
            devices.remove(graphics)
    display = devices.find("graphics")
    assert display is not None
    etree.SubElement(display, "gl", {"enable": "yes", "rendernode": mesa.render_node()})
    model = devices.find("video/model")
    assert model is not None
    model.attrib.clear()
    for name, value in MODELS[device].items():
        model.set(name, value)
    if device == "virtio-vga-gl":
        etree.SubElement(model, "acceleration", {"accel3d": "yes"})
    if disk is not None:
        _boot(root, devices, disk)
    line = etree.SubElement(root, f"{{{_QEMU}}}commandline", nsmap={"qemu": _QEMU})
    for name, value in (mesa.for_qemu() if shim else mesa.environment()).items():
        etree.SubElement(line, f"{{{_QEMU}}}env", {"name": name, "value": value})
    return etree.tostring(root, encoding="unicode")


def _boot(root: etree._Element, devices: etree._Element, disk: str) -> None:
    system = root.find("os")
    assert system is not None
    for name in ("kernel", "initrd", "cmdline"):
        for element in system.findall(name):
            system.remove(element)
    made = etree.SubElement(devices, "disk", {"type": "file", "device": "disk"})
    etree.SubElement(made, "driver", {"name": "qemu", "type": "raw"})
    etree.SubElement(made, "source", {"file": disk})
    etree.SubElement(made, "target", {"dev": "hda", "bus": "ide"})
