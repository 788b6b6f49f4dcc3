"""A console in the browser for every libvirt guest, over WebRTC."""

__version__ = "0.1.0"
