#!/usr/bin/env bash
# COMMAND... in a world of its own: processes, /run, and libvirt's folders are private and end with it, so that the
# machine's own libvirt and its domains are neither seen nor touched. The network is the machine's. Root.
set -euo pipefail

if [ "${LIBVIRT_WEBRTC_TEST_PRIVATE:-}" != 1 ]; then
    export LIBVIRT_WEBRTC_TEST_PRIVATE=1
    exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi

resolver=$(cat /etc/resolv.conf 2>/dev/null || true)

for folder in /run /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
    mkdir -p "$folder"
    mount -t tmpfs -o mode=0755 private "$folder"
done
mkdir -m 1777 /run/lock
unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS

# Name resolution goes on where resolv.conf is a link into /run.
if [ -L /etc/resolv.conf ] && [ ! -e /etc/resolv.conf ]; then
    target=$(readlink -m /etc/resolv.conf)
    mkdir -p "$(dirname "$target")"
    printf '%s\n' "$resolver" >"$target"
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
