"""What the fork server imports once, so that every worker shares it in memory.

The collector is frozen afterwards: a collection in a worker would otherwise touch, and so copy, the shared
pages.
"""

import gc

import libvirt_webrtc.worker.main  # noqa: F401

gc.collect()
gc.freeze()
