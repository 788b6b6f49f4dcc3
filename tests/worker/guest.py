"""What the tests of consoles with a real QEMU share."""

from libvirt_webrtc.input import display_messages
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.shared_consoles import SharedConsoles
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.worker.viewer_client import ViewerClient

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)
KEY_A_DOWN, KEY_A_UP = b"\x01\x01KeyA", b"\x01\x00KeyA"


async def admit(shared_consoles: SharedConsoles, viewer: ViewerClient, name: str = "viewer") -> None:
    """Connect a viewer to the first console, and wait for its first picture."""
    await viewer.take(await soon(shared_consoles.admit(name, 0, await viewer.offer(), ADMIN)))
    await until(lambda: display_messages.CONSOLES in viewer.types and viewer.frames > 0)
