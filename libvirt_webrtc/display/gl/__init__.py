"""DMA-BUFs in, planes out: EGL and OpenGL ES 3, in one thread for each worker.

Only :mod:`~libvirt_webrtc.display.gl.thread` is to be imported from outside. It loads the rest, and PyOpenGL with it,
when the first DMA-BUF comes: a worker whose guest has none pays nothing.
"""

import os

# Read by PyOpenGL when it is first imported: what it would guess needs a window system; nothing is gained by its
# accelerator, which is another package.
os.environ["PYOPENGL_PLATFORM"] = "egl"
os.environ["PYOPENGL_USE_ACCELERATE"] = "0"
