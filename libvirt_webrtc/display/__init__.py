"""QEMU's D-Bus display: the connection, its consoles, and one module for each of QEMU's interfaces."""
