"""``python -m libvirt_webrtc``."""

import sys

from libvirt_webrtc.cli import main

if __name__ == "__main__":
    sys.exit(main())
