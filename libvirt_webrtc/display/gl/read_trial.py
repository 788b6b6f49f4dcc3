"""``python -m libvirt_webrtc.display.gl.read_trial DEVICE``: ends with 0 where pictures of gl=on can be read here.

Does what a worker does when the first of them comes, and prints with what it would read them. In a process of its own,
because drivers crash.
"""

import sys

from libvirt_webrtc.errors import GraphicsError


def check(device: str) -> str:
    """``device`` is as in the settings. Raises GraphicsError."""
    from libvirt_webrtc.display.gl.context import Context

    context = Context.open(device, None)
    context.close()
    return context.display.device.name


if __name__ == "__main__":
    try:
        print(check(sys.argv[1]))
    except GraphicsError as error:
        sys.exit(str(error))
