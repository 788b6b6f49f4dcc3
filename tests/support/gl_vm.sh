# shellcheck shell=bash
# A virtual machine with a render node and DMA-BUFs of a real kernel (vgem, udmabuf), for tests of gl=on that a shim cannot
# stand for. Its root is the machine's own, read only. Sourced; needs common.sh, apt.sh, qemu_beside.sh.

# gl_vm INTO: its kernel, INTO/vmlinuz, and what mounts that root, INTO/initrd. Of Debian 12's backports there: the kernel of 12
# itself has no udmabuf.
gl_vm() {
    local into=$1 here=$CHECKOUT/tests/gl/vm suite="" work package tree module
    if [ -e "$into/initrd" ] && [ -z "$(find "$here" -newer "$into/initrd" -print -quit)" ]; then
        printf '%s\n' "$into"
        return 0
    fi
    [ "$(debian_release)" != 12 ] || { suite=bookworm-backports && use_backports; }
    apt_update
    step "unpacking the kernel of a virtual machine with a render node"
    work=$into.unfinished
    rm -rf "$work"
    mkdir -p "$work/root"/{bin,dev,mnt,modules,proc,sys}
    unpack linux-image-amd64 "${suite:+$(suite_version linux-image-amd64 "$suite")}" "$work"
    package=$(sed -n 's/^\(linux-image-[0-9][^ ]*\).*/\1/p' "$work/depends")
    unpack "$package" "${suite:+$(suite_version "$package" "$suite")}" "$work"
    unpack busybox-static "" "$work"
    tree=$(find "$work" -path '*/lib/modules/*' -name modules.builtin -exec dirname {} \;)
    # shellcheck source=examples/guests/linux/kernel.sh
    . "$CHECKOUT/examples/guests/linux/kernel.sh"
    for module in virtio_pci 9pnet_virtio 9p vgem; do add_module "$tree" "$module" "$work/root/modules"; done
    unpack_kernel "$(echo "$work"/boot/vmlinuz-*)" "$work/vmlinuz" || cp "$work"/boot/vmlinuz-* "$work/vmlinuz"
    install -m 0755 "$(find "$work" -path '*/bin/busybox')" "$work/root/bin/busybox"
    install -m 0755 "$here/init" "$work/root/init"
    install -m 0755 "$here/inside" "$work/root/inside"
    (cd "$work/root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -1n >"$work/initrd"
    rm -rf "$into"
    mkdir "$into"
    mv "$work/vmlinuz" "$work/initrd" "$into"
    rm -rf "$work"
    printf '%s\n' "$into"
}
