"""Users with and without libvirt's group."""

from libvirt_webrtc.doctor.machine import User

ROOT = User(0, "root", frozenset({"root"}), frozenset())
MEMBER = User(1000, "ann", frozenset({"ann", "libvirt"}), frozenset({"libvirt"}))
ENTERED = User(1000, "ann", frozenset({"ann"}), frozenset({"libvirt"}))
STRANGER = User(1000, "ann", frozenset({"ann"}), frozenset())
