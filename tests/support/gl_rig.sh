# shellcheck shell=bash
# What gl=on takes on a machine without a graphics card: a Mesa that exports and imports DMA-BUFs in software, and a
# stand-in for /dev/udmabuf. Nothing of it is installed. Sourced; needs common.sh, apt.sh, qemu_beside.sh.

# gl_rig INTO: on Debian 12, whose own Mesa is too old, that of its backports under INTO/mesa; and INTO/fake_udmabuf.so.
gl_rig() {
    local into=$1 package
    mkdir -p "$into"
    if [ "$(debian_release)" = 12 ] && [ ! -d "$into/mesa" ]; then
        use_backports
        apt_update
        step "unpacking Mesa of bookworm-backports beside the installed one"
        rm -rf "$into/mesa.unfinished"
        mkdir "$into/mesa.unfinished"
        for package in libdrm2 libdrm-amdgpu1 libdrm-radeon1 libdrm-nouveau2 libdrm-intel1 \
            mesa-libgallium libegl-mesa0 libgbm1 libgl1-mesa-dri; do
            unpack "$package" "$(suite_version "$package" bookworm-backports)" "$into/mesa.unfinished"
        done
        rm -f "$into/mesa.unfinished/depends"
        chmod -R a+rX "$into/mesa.unfinished"
        mv "$into/mesa.unfinished" "$into/mesa"
    fi
    if [ "$CHECKOUT/tests/gl/fake_udmabuf.c" -nt "$into/fake_udmabuf.so" ]; then
        gcc -O1 -Wall -shared -fPIC -o "$into/fake_udmabuf.so" "$CHECKOUT/tests/gl/fake_udmabuf.c" -ldl
    fi
    chmod -R a+rX "$into"
    printf '%s\n' "$into"
}
