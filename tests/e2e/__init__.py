"""The whole: real libvirt, real QEMU, real Chromium."""
