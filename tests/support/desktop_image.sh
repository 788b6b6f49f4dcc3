# shellcheck shell=bash
# A guest with a real desktop, of Debian's packages: their kernel, X server and a light window manager. Sourced; needs
# common.sh, apt.sh, install.sh, qemu_beside.sh.

DESKTOP_PACKAGES=(mount udev kmod xserver-xorg-core xserver-xorg-input-libinput xfonts-base twm xterm x11-xserver-utils xinput)

# desktop_image INTO: INTO/vmlinuz, INTO/initrd and INTO/disk, an ext4 that the guest only reads. Prints INTO.
desktop_image() {
    local into=$1 here=$CHECKOUT/tests/desktop/guest sources=() work package tree module
    if [ -e "$into/disk" ] && [ -z "$(find "$here" -newer "$into/disk" -print -quit)" ]; then
        printf '%s\n' "$into"
        return 0
    fi
    ensure_packages mmdebstrap e2fsprogs
    apt_update
    step "making a guest with a desktop; this takes some minutes"
    work=$into.unfinished
    rm -rf "$work"
    mkdir -p "$work/root"/{bin,dev,mnt,modules,proc} "$work/kernel"
    mapfile -t sources < <(find /etc/apt/sources.list /etc/apt/sources.list.d -maxdepth 1 -type f \
        \( -name '*.sources' -o -name '*.list' \) 2>/dev/null | sort)
    # The machine's own way to its mirror, a proxy say.
    apt-config dump | grep '^Acquire::https\?::' >"$work/apt.conf" || true
    quietly mmdebstrap --quiet --variant=essential --aptopt="$work/apt.conf" --aptopt='Apt::Install-Recommends "false"' \
        --include="$(IFS=,; printf '%s' "${DESKTOP_PACKAGES[*]}")" "$(debian_codename)" "$work/system" "${sources[@]}"
    unpack linux-image-amd64 "" "$work/kernel"
    package=$(sed -n 's/^\(linux-image-[0-9][^ ]*\).*/\1/p' "$work/kernel/depends")
    unpack "$package" "" "$work/kernel"
    unpack busybox-static "" "$work/kernel"
    tree=$(find "$work/kernel" -path '*/lib/modules/*' -name modules.builtin -exec dirname {} \;)
    # shellcheck source=examples/guests/linux/kernel.sh
    . "$CHECKOUT/examples/guests/linux/kernel.sh"
    for module in virtio_pci virtio_blk crc32c_generic ext4; do add_module "$tree" "$module" "$work/root/modules"; done
    unpack_kernel "$(echo "$work"/kernel/boot/vmlinuz-*)" "$work/vmlinuz" ||
        cp "$work"/kernel/boot/vmlinuz-* "$work/vmlinuz"
    install -m 0755 "$(find "$work/kernel" -path '*/bin/busybox')" "$work/root/bin/busybox"
    install -m 0755 "$here/init" "$work/root/init"
    (cd "$work/root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -1n >"$work/initrd"
    mkdir -p "$work/system/lib/modules" "$work/system/desktop" "$work/system/var/lib/xkb"
    cp -a "$tree" "$work/system/lib/modules/"
    chroot "$work/system" depmod "$(basename "$tree")"
    install -m 0755 "$here"/* "$work/system/desktop/"
    quietly mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$work/system" "$work/disk" \
        "$(($(du -sk "$work/system" | cut -f1) * 5 / 4))k"
    chmod 0644 "$work/disk"
    rm -rf "$into" "$work"/{root,kernel,system,apt.conf}
    mv "$work" "$into"
    printf '%s\n' "$into"
}
