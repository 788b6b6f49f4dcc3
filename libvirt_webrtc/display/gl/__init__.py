"""Convert DMA-BUFs to an encoder's planes with EGL and OpenGL ES 3, in one thread of each worker.

From outside, import only :mod:`~libvirt_webrtc.display.gl.thread`. It imports the other modules, and PyOpenGL with
them, when the first DMA-BUF comes, so that a worker whose guest has none does not hold them in memory.
"""

import os

# PyOpenGL reads these when it is first imported. The platform that it would choose needs a window system. Its
# accelerator is another package, from which the few calls made here gain nothing.
os.environ["PYOPENGL_PLATFORM"] = "egl"
os.environ["PYOPENGL_USE_ACCELERATE"] = "0"
