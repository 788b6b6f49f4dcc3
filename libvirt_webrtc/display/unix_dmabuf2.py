"""``org.qemu.Display1.Listener.Unix.ScanoutDMABUF2``: a part of a DMA-BUF, of several planes (QEMU 10.1).

Source: QEMU ``ui/dbus-display1.xml``. ``UpdateDMABUF`` and ``Disable`` of the plain listener follow it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from libvirt_webrtc.display.dmabuf import Dmabuf, part_of_buffer
from libvirt_webrtc.display.exports import BusMethod, Interface
from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.picture.pixels import Rect

UNIX_DMABUF2 = "org.qemu.Display1.Listener.Unix.ScanoutDMABUF2"

Show = Callable[[Callable[[], Dmabuf]], None]
"""Shows the DMA-BUF that its argument makes; raises DisplayProtocolError as that does."""


def unix_dmabuf2(show: Show) -> Interface:
    """What a listener exports."""

    def scanout(message: Incoming) -> Sequence[Any]:
        indexes, x, y, width, height, offsets, strides, count, fourcc, backing_width, backing_height = (
            message.body[:11]
        )
        modifier, bottom_up = message.body[11:]
        fds = message.take_fds(indexes)
        part, backing = Rect(x, y, width, height), (backing_width, backing_height)
        show(lambda: part_of_buffer(fds, part, count, offsets, strides, backing, fourcc, modifier, bottom_up))
        return ()

    return Interface(UNIX_DMABUF2, {"ScanoutDMABUF2": BusMethod("ahuuuuauauuuuutb", scanout)})
