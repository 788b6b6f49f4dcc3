#!/usr/bin/env bash
# COMMAND... in a world of its own: processes, network, /run, /etc, and libvirt's folders are private and end with it, so that
# the machine's own libvirt, its domains and its ports are neither seen nor touched. Root.
set -euo pipefail

if [ "${LIBVIRT_WEBRTC_TEST_PRIVATE:-}" != 1 ]; then
    export LIBVIRT_WEBRTC_TEST_PRIVATE=1
    exec unshare --mount --pid --net --fork --kill-child --mount-proc "$0" "$@"
fi

mount -t tmpfs -o mode=0755 private /run
# A copy, in which tests make users and PAM's rules.
cp -a /etc /run/etc
mount --bind /run/etc /etc
for folder in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
    mkdir -p "$folder"
    mount -t tmpfs -o mode=0755 private "$folder"
done
mkdir -m 1777 /run/lock
unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS

# One network card, whose other end is here too: browsers name addresses of nothing but the card of the default route. Beyond
# it is nobody, and names are resolved by nobody: what asks for them is refused at once. A resolv.conf that is a link into the
# machine's /run is not there any more, and means the same.
ip link set lo up
ip link add tests0 type veth peer name tests1
ip address add 192.0.2.1/24 dev tests0
ip link set tests0 up
ip link set tests1 up
ip route add default via 192.0.2.2 dev tests0
if [ -e /etc/resolv.conf ]; then
    echo "nameserver 127.0.0.1" >/run/resolv.conf
    mount --bind /run/resolv.conf "$(readlink -f /etc/resolv.conf)"
fi

# Emulation only, alike everywhere. A /dev/kvm that QEMU's user may not open (a chroot's, whose groups are not the
# kernel's) has libvirt probe QEMU anew at every call.
if [ -e /dev/kvm ]; then
    install -m 0000 /dev/null /run/no-kvm
    mount --bind /run/no-kvm /dev/kvm
fi

# Limits of the place, not of the program: a container or chroot has no cgroups and no mount propagation to give, and
# with sudo no unlimited core files either.
cat >/etc/libvirt/qemu.conf <<'END'
namespaces = []
cgroup_controllers = []
max_core = 0
security_driver = "none"
END
cat >/etc/libvirt/libvirtd.conf <<'END'
auth_unix_ro = "none"
auth_unix_rw = "none"
END

# Not exec: this shell is process 1 here, and reaps what libvirt's children leave behind.
"$@"
exit
