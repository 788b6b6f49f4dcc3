# shellcheck shell=bash
# A guest that nobody here wrote: Debian's memtest86+, unpacked and not installed. Sourced; needs common.sh, apt.sh, qemu_beside.sh.

# memtest_kernel: prints the path of a kernel that QEMU can boot.
memtest_kernel() {
    local into
    into=$(cache_dir)/memtest
    if [ ! -e "$into/kernel" ]; then
        apt_update
        rm -rf "$into"
        mkdir -p "$into"
        unpack memtest86+ "" "$into"
        cp "$into"/boot/m*x64.bin "$into/kernel"
    fi
    printf '%s\n' "$into/kernel"
}
