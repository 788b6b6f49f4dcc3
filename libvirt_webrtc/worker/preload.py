"""What the fork server does once, so that every worker shares it in memory.

That is importing, and what every worker would otherwise do first, in pages of its own: patching aiortc (3 MB), looking
at the machine's addresses, loading libyuv and libx264, making a certificate, encoding a host name. A worker that is
locked in (:mod:`libvirt_webrtc.worker.sandbox`) may not be able to read modules any more. The collector is frozen
afterwards: a collection in a worker would touch, and so copy, all shared pages.
"""

import atexit
import gc
import multiprocessing.popen_forkserver  # noqa: F401
from contextlib import suppress

import libvirt_webrtc.worker.main
import libvirt_webrtc.worker.process  # noqa: F401
from libvirt_webrtc.errors import MediaError, SandboxError
from libvirt_webrtc.media.aiortc_ext import dtls, libx264, patches
from libvirt_webrtc.media.aiortc_ext.ice import machine_addresses
from libvirt_webrtc.media.convert.yuv import default_backend
from libvirt_webrtc.worker import forking
from libvirt_webrtc.worker.memory import share_one_arena

atexit.register(forking.remove_folder)
share_one_arena()
with suppress(MediaError):
    # Each worker tries again, and says what is wrong.
    patches.install()
with suppress(MediaError):
    # A worker without libx264 says so when it encodes, and encodes through FFmpeg.
    libx264.load()
machine_addresses()
default_backend()
dtls.warm_up()
"localhost".encode("idna")
with suppress(SandboxError, OSError):
    # Each worker tries again, and ends.
    from libvirt_webrtc.worker.sandbox import seccomp

    for devices in (False, True):
        for tcp in (False, True):
            seccomp.program(may_open=True, devices=devices, tcp=tcp)

gc.collect()
gc.freeze()
