"""A viewer that holds a key closes its tab, or is not heard of any more."""

import signal
import time
from collections.abc import Callable

from examples.guests.layout import Rgb
from examples.guests.reading import read_keys
from tests.e2e.viewer import Viewer
from tests.faults.crowd import Visitors
from tests.faults.scenario import Measured
from tests.faults.scene import Scene
from tests.faults.watching import domain_of, until_listed

KEY_A = 0x1E


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    guest = scene.guest(portal, "")
    browser = await scene.start_browser()
    holder, watcher = [await Viewer.watch(browser, portal, guest) for _ in range(2)]

    def last_key(down: bool) -> Callable[[Rgb], bool]:
        return lambda rgb: (read_keys(rgb) or [])[-1:] == [(KEY_A, down)]

    await holder.page.bring_to_front()
    await holder.page.keyboard.down("KeyA")
    await watcher.wait_picture(last_key(True), "the key is held")
    began = time.monotonic()
    await holder.page.close()
    await watcher.wait_picture(last_key(False), "the key is up")
    closed = time.monotonic() - began

    visitors = await Visitors.come(portal, guest, hold=True)
    await watcher.wait_picture(last_key(True), "the key is held")
    # As a network that is gone: not even the kernel answers for it.
    visitors.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    await watcher.wait_picture(last_key(False), "the key is up")
    silent = time.monotonic() - began
    await until_listed(
        portal, lambda listed: [console["viewers"] for console in domain_of(listed, guest)["consoles"]] == [1]
    )
    freed = time.monotonic() - began
    await visitors.vanish()
    return [
        Measured("tab closed: key up", closed, 5.0),
        Measured("network gone: key up", silent, 5.0),
        Measured("network gone: viewer freed", freed, 5.0),
    ]
