#!/bin/sh
# build.sh DEST: Debian's newest kernel and an initramfs with our init, as DEST/linux.vmlinuz and DEST/linux.initrd.
#
# The kernel is the full linux-image-amd64: the cloud one, a third of its size, has no DRM at all (Debian 12 to 14).
set -eu
dest=$1
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=examples/guests/linux/kernel.sh
. "$here/kernel.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What init needs; their dependencies are found in the modules themselves.
modules="virtio_pci virtio_gpu virtio_input evdev button"

package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$package" ] || { echo "build.sh: apt knows no linux-image-amd64; run apt-get update" >&2; exit 1; }
mkdir -p "$work/package"
# After Debian 13 that package is empty, and depends on those with the kernel, its modules, and their lists.
parts=$(apt-cache depends "$package" | sed -n 's/^ *Depends: \(linux-\(base\|binary\|modules\)-[0-9].*\)/\1/p')
# As root apt would hand the download to its own user, who may not write here.
# shellcheck disable=SC2086  # a list
(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" $parts)
for part in "$work"/linux-*.deb; do
    dpkg -x "$part" "$work/package"
done
tree=$(find "$work/package" -path '*/lib/modules/*' -name modules.builtin -exec dirname {} \;)
[ -n "$tree" ] || { echo "build.sh: $package holds no modules.builtin" >&2; exit 1; }

mkdir -p "$work/root/modules" "$work/root/dev" "$work/root/proc"

for module in $modules; do
    add_module "$tree" "$module" "$work/root/modules"
done

gcc -O2 -std=gnu11 -Wall -Wextra -Werror -static -s -o "$work/root/init" \
    "$here"/*.c "$here"/../common/*.c

image=$(find "$work/package" -type f \( -path '*/boot/vmlinuz-*' -o -path '*/lib/modules/*/vmlinuz' \) | head -n 1)
if ! unpack_kernel "$image" "$dest/linux.vmlinuz"; then
    echo "build.sh: no zstd here: the guest unpacks its kernel itself and starts slowly" >&2
    cp "$image" "$dest/linux.vmlinuz"
fi
(cd "$work/root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -9n >"$work/initrd"
mv "$work/initrd" "$dest/linux.initrd"
