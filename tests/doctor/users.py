"""Users with and without libvirt's group."""

from libvirt_webrtc.doctor.machine import SystemUser

ROOT = SystemUser(0, "root", frozenset({"root"}), frozenset())
MEMBER = SystemUser(1000, "ann", frozenset({"ann", "libvirt"}), frozenset({"libvirt"}))
ENTERED = SystemUser(1000, "ann", frozenset({"ann"}), frozenset({"libvirt"}))
STRANGER = SystemUser(1000, "ann", frozenset({"ann"}), frozenset())
