"""What the fork server does once, so that every worker shares it in memory.

That is importing, and what every worker would otherwise do first, in pages of its own: patching aiortc (3 MB), looking
at the machine's addresses, loading libyuv and libx264, making a certificate, encoding a host name. A worker that is
locked in (:mod:`libvirt_webrtc.worker.sandbox`) may not be able to read modules any more. The collector is frozen
afterwards: a collection in a worker would touch, and so copy, all shared pages.
"""

import gc
import multiprocessing.popen_forkserver  # noqa: F401
from contextlib import suppress

from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTP_PROFILES

import libvirt_webrtc.worker.main
import libvirt_webrtc.worker.process  # noqa: F401
from libvirt_webrtc.errors import MediaError, SandboxError
from libvirt_webrtc.media import aiortc_ext
from libvirt_webrtc.media.aiortc_ext.ice import machine_addresses
from libvirt_webrtc.media.convert.yuv import default_backend
from libvirt_webrtc.media.encode import libx264
from libvirt_webrtc.worker.memory import share_one_arena

share_one_arena()
with suppress(MediaError):
    # Each worker tries again, and says what is wrong.
    aiortc_ext.install()
machine_addresses()
default_backend()
libx264.is_usable()
RTCCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES)
"localhost".encode("idna")
with suppress(SandboxError):
    # Each worker tries again, and ends.
    from libvirt_webrtc.worker.sandbox import seccomp

    for devices in (False, True):
        for tcp in (False, True):
            seccomp.program(may_open=True, devices=devices, tcp=tcp)

gc.collect()
gc.freeze()
