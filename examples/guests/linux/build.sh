#!/bin/sh
# build.sh DEST: Debian's newest kernel and an initramfs with our init, as DEST/linux.vmlinuz and DEST/linux.initrd.
#
# The kernel is the full linux-image-amd64: the cloud one, a third of its size, has no DRM at all (Debian 12 and 13).
set -eu
dest=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What init needs; their dependencies are found in the modules themselves.
modules="virtio_pci virtio_gpu virtio_input evdev button"

package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$package" ] || { echo "build.sh: apt knows no linux-image-amd64; run apt-get update" >&2; exit 1; }
mkdir -p "$work/package"
# As root apt would hand the download to its own user, who may not write here.
(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package")
dpkg -x "$work"/linux-image-*.deb "$work/package"
tree=$(find "$work/package" -path '*/lib/modules/*' -name modules.builtin -exec dirname {} \;)

mkdir -p "$work/root/modules" "$work/root/dev" "$work/root/proc"
: >"$work/root/modules/order"

# add_module NAME: the module and, before it, those it depends on; nothing if it is part of the kernel
add_module() {
    grep -qx "$1" "$work/root/modules/order" && return
    pattern=$(echo "$1" | sed 's/[-_]/[-_]/g')
    grep -q "/$pattern\.ko$" "$tree/modules.builtin" && return
    file=$(find "$tree/kernel" -name "$pattern.ko" -o -name "$pattern.ko.xz" | head -n 1)
    [ -n "$file" ] || { echo "build.sh: $package has no module $1" >&2; exit 1; }
    case $file in
        *.xz) xz -dc "$file" >"$work/root/modules/$1" ;;
        *) cp "$file" "$work/root/modules/$1" ;;
    esac
    objcopy -O binary -j .modinfo "$work/root/modules/$1" "$work/$1.info"
    for dependency in $(tr '\0' '\n' <"$work/$1.info" | sed -n 's/^depends=//p' | tr ',-' ' _'); do
        add_module "$dependency"
    done
    strip --strip-debug "$work/root/modules/$1"
    echo "$1" >>"$work/root/modules/order"
}

for module in $modules; do
    add_module "$module"
done

gcc -O2 -std=gnu11 -Wall -Wextra -Werror -static -s -o "$work/root/init" \
    "$here"/*.c "$here/../common/scene.c" "$here/../common/options.c"

# number OFFSET SIZE: a little-endian number in the kernel image
number() { od -An -v -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '; }

# An emulated guest unpacks its kernel for half a minute, so that is done here where it can be: QEMU starts an unpacked
# kernel by its PVH entry. The payload's place stands in the boot header (Documentation/x86/boot in Linux); its last four
# bytes are its unpacked size, which is not part of the compressed stream.
image=$(find "$work/package/boot" -name 'vmlinuz-*')
start=$((($(number 497 1) + 1) * 512 + $(number 584 4)))
tail -c +$((start + 1)) "$image" | head -c $(($(number 588 4) - 4)) >"$work/payload"
if xz -dc "$work/payload" >"$work/kernel" 2>/dev/null || zstd -qdc "$work/payload" >"$work/kernel" 2>/dev/null; then
    strip --strip-debug "$work/kernel"
    mv "$work/kernel" "$dest/linux.vmlinuz"
else
    echo "build.sh: no zstd here: the guest unpacks its kernel itself and starts slowly" >&2
    cp "$image" "$dest/linux.vmlinuz"
fi
(cd "$work/root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -9n >"$work/initrd"
mv "$work/initrd" "$dest/linux.initrd"
