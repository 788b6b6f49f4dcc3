"""The fork server, from which every process of ours comes that needs no program of its own.

It is the standard library's, and has everything heavy imported: a fork costs 30 ms and little memory, where a fresh
interpreter costs a second and 70 MB.
"""

import multiprocessing
import sys
from importlib.machinery import ModuleSpec
from multiprocessing import forkserver

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["libvirt_webrtc.worker.preload"])


def warm_up() -> None:
    """Start the fork server and its imports, so that the first process does not wait for them. Blocking, briefly."""
    main = sys.modules["__main__"]
    if main.__spec__ is None:
        # Started by a script, such as the installed command: every process would run it again, as its main module,
        # and so load libvirt and the portal (45 MB and half a second each). It leaves a package's __main__ alone.
        main.__spec__ = ModuleSpec("libvirt_webrtc.__main__", None)
    forkserver.ensure_running()
