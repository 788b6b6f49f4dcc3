"""``python -m libvirt_webrtc.display.gl.read_trial DEVICE``: exits with 0 where pictures of gl=on can be read here.

It makes the OpenGL context that a worker makes for the first of them, and prints the device's name. It is a process of
its own, because drivers crash.
"""

import sys

from libvirt_webrtc.errors import GraphicsError


def check(device: str) -> str:
    """The name of the device that reads; ``device`` is as in the setting ``gl_device``. Raises GraphicsError."""
    from libvirt_webrtc.display.gl.context import Context

    context = Context.open(device, None)
    context.close()
    return context.display.device.name


if __name__ == "__main__":
    try:
        print(check(sys.argv[1]))
    except GraphicsError as error:
        sys.exit(str(error))
