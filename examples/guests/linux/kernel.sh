# shellcheck shell=sh
# What of a Debian kernel package goes into an initramfs, and how an emulated guest starts it quickly. Sourced.

# add_module TREE NAME INTO: of the kernel whose modules are under TREE, the module NAME and, before it, those it depends on, as
# INTO/NAME, in the order of INTO/order; nothing if it is part of the kernel.
add_module() {
    [ -e "$3/order" ] || : >"$3/order"
    grep -qx "$2" "$3/order" && return
    pattern=$(echo "$2" | sed 's/[-_]/[-_]/g')
    grep -q "/$pattern\.ko$" "$1/modules.builtin" && return
    file=$(find "$1/kernel" -name "$pattern.ko" -o -name "$pattern.ko.xz" -o -name "$pattern.ko.zst" | head -n 1)
    [ -n "$file" ] || { echo "$1 has no module $2" >&2; return 1; }
    case $file in
        *.xz) xz -dc "$file" >"$3/$2" ;;
        *.zst) zstd -qdc "$file" >"$3/$2" ;;
        *) cp "$file" "$3/$2" ;;
    esac
    objcopy -O binary -j .modinfo "$3/$2" "$3/info"
    for need in $(tr '\0' '\n' <"$3/info" | sed -n 's/^depends=//p' | tr ',-' ' _'); do
        add_module "$1" "$need" "$3" || return 1
    done
    rm -f "$3/info"
    strip --strip-debug "$3/$2"
    echo "$2" >>"$3/order"
}

# number OFFSET SIZE FILE: a little-endian number
number() { od -An -v -t "u$2" -j "$1" -N "$2" "$3" | tr -d ' '; }

# unpack_kernel IMAGE DEST: what IMAGE has packed, without debug information; fails where it cannot.
# An emulated guest unpacks its kernel for half a minute, so that is done here where it can be: QEMU starts an unpacked
# kernel by its PVH entry. The payload's place stands in the boot header (Documentation/x86/boot in Linux); its last four
# bytes are its unpacked size, which is not part of the compressed stream.
unpack_kernel() {
    start=$((($(number 497 1 "$1") + 1) * 512 + $(number 584 4 "$1")))
    tail -c +$((start + 1)) "$1" | head -c $(($(number 588 4 "$1") - 4)) >"$2.payload"
    if xz -dc "$2.payload" >"$2.unpacked" 2>/dev/null || zstd -qdc "$2.payload" >"$2.unpacked" 2>/dev/null; then
        strip --strip-debug "$2.unpacked"
        mv "$2.unpacked" "$2"
        rm "$2.payload"
    else
        rm -f "$2.payload" "$2.unpacked"
        return 1
    fi
}
