"""Our program, with TURN credentials that end after seconds.

``python -m tests.support.short_credentials COMMAND...``: COMMAND is a command line with ``libvirt_webrtc`` in it.
"""

import os
import sys

from libvirt_webrtc.cli import main
from libvirt_webrtc.config import ice_secret

VARIABLE = "LIFETIME_OF_TURN_CREDENTIALS"
_MODULE = "libvirt_webrtc"

if __name__ == "__main__":
    ice_secret.LIFETIME_S = int(os.environ[VARIABLE])
    sys.exit(main(sys.argv[sys.argv.index(_MODULE) + 1 :]))
