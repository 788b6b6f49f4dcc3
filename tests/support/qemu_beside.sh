# shellcheck shell=bash
# The other QEMU of Debian 12, unpacked beside the installed one: nothing of it is installed. Sourced; needs common.sh, apt.sh.

# suite_version PACKAGE SUITE: the version that SUITE (bookworm, bookworm-backports) has of it
suite_version() {
    local options=()
    [ -z "$APT_EXTRA_SOURCES" ] || options+=(-o "Dir::Etc::SourceParts=$APT_EXTRA_SOURCES")
    apt-cache "${options[@]}" madison "$1" |
        awk -F' *[|] *' -v suite="$2" '{ gsub(/ /, "", $2); split($3, place, " ") } place[2] == suite "/main" { print $2; exit }'
}

# unpack PACKAGE VERSION INTO: VERSION may be empty for the candidate
unpack() {
    local package=$1 version=$2 into=$3 folder file
    folder=$(mktemp -d)
    (cd "$folder" && apt_get download "$package${version:+=$version}") || return 1
    for file in "$folder"/*.deb; do
        dpkg-deb --field "$file" Depends >>"$into/depends"
        dpkg-deb --extract "$file" "$into"
    done
    rm -rf "$folder"
}

# unpack_qemu SUITE INTO: QEMU, its modules and firmware, and those of its libraries that the machine lacks.
# INTO/qemu-system-x86_64 is then an <emulator> for libvirt. Everything is there or nothing is.
unpack_qemu() {
    local suite=$1 into=$2 work version package seen=" " queue
    if [ -x "$into/qemu-system-x86_64" ]; then
        add_virgl "$suite" "$into"
        return 0
    fi
    [ "$suite" != bookworm-backports ] || use_backports
    apt_update
    work=$into.unfinished
    rm -rf "$work"
    mkdir -p "$work"
    version=$(suite_version qemu-system-x86 "$suite")
    [ -n "$version" ] || die "apt has no qemu-system-x86 of $suite"
    step "unpacking QEMU $version beside the installed one"
    for package in qemu-system-x86 qemu-system-common; do unpack "$package" "$version" "$work"; done
    unpack qemu-system-data "$(suite_version qemu-system-data "$suite")" "$work"
    unpack seabios "$(suite_version seabios "$suite")" "$work"
    unpack ipxe-qemu "" "$work"
    [ "$suite" = bookworm ] || unpack qemu-system-modules-opengl "$version" "$work"
    # Round after round, what the unpacked packages need and neither dpkg nor this folder has.
    while :; do
        mapfile -t queue < <(tr ',' '\n' <"$work/depends" | sed 's/|.*//; s/(.*//; s/:any//; s/ //g' | sort -u)
        : >"$work/depends"
        for package in "${queue[@]}"; do
            [[ -n $package && $package != qemu-* && $package != seabios && $package != ipxe-qemu && $seen != *" $package "* ]] || continue
            seen+="$package "
            installed "$package" || unpack "$package" "" "$work"
        done
        [ -s "$work/depends" ] || break
    done
    rm -f "$work/depends"
    cat >"$work/qemu-system-x86_64" <<'END'
#!/bin/sh
# QEMU unpacked from its packages: its own libraries where the system has none, its own modules and firmware.
here=$(dirname "$(readlink -f "$0")")
lib=$(echo "$here"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" QEMU_MODULE_DIR="$lib/qemu"
exec "$here/usr/bin/qemu-system-x86_64" -L "$here/usr/share/qemu" -L "$here/usr/share/seabios" -L "$here/usr/lib/ipxe/qemu" "$@"
END
    chmod -R a+rX "$work"
    chmod 0755 "$work/qemu-system-x86_64"
    "$work/qemu-system-x86_64" --version >/dev/null || die "the unpacked QEMU does not run"
    rm -rf "$into"
    mv "$work" "$into"
    add_virgl "$suite" "$into"
}

# add_virgl SUITE INTO: Debian 12's own QEMU has what virtio-vga-gl builds on in the package of its GTK window, of which
# nothing else is wanted.
add_virgl() {
    local suite=$1 into=$2 module=hw-display-virtio-gpu-gl.so folder
    [ "$suite" = bookworm ] || return 0
    folder=$(echo "$into"/usr/lib/*-linux-gnu/qemu)
    [ ! -e "$folder/$module" ] || return 0
    apt_update
    rm -rf "$into.virgl"
    mkdir "$into.virgl"
    unpack qemu-system-gui "$(suite_version qemu-system-gui bookworm)" "$into.virgl"
    install -m 0644 "$into.virgl"/usr/lib/*-linux-gnu/qemu/$module "$folder/$module"
    rm -rf "$into.virgl"
}

# other_qemu: on Debian 12, the one that is not installed, unpacked under the cache; prints its path.
other_qemu() {
    local into
    [ "$(debian_release)" = 12 ] || return 0
    case "$(qemu-system-x86_64 --version)" in
        *"version 7."*) into=$(cache_dir)/qemu-10.0 && unpack_qemu bookworm-backports "$into" ;;
        *) into=$(cache_dir)/qemu-7.2 && unpack_qemu bookworm "$into" ;;
    esac
    printf '%s\n' "$into/qemu-system-x86_64"
}

# aarch64_qemu: a QEMU of another machine than a PC, with a UEFI, unpacked under the cache; prints the folder, or nothing where it
# cannot be had. It is of the installed one's version: they share modules and libraries.
aarch64_qemu() {
    local version into work
    version=$(installed_version qemu-system-common) && [ -n "$version" ] || return 0
    into=$(cache_dir)/qemu-aarch64-${version//[^0-9a-zA-Z.]/-}
    if [ ! -d "$into" ]; then
        [[ $version != *bpo12* ]] || use_backports
        apt_update
        step "unpacking QEMU $version for aarch64"
        work=$into.unfinished
        rm -rf "$work"
        mkdir -p "$work"
        if ! unpack qemu-system-arm "$version" "$work" || ! unpack qemu-efi-aarch64 "" "$work" ||
            ! "$work/usr/bin/qemu-system-aarch64" --version >/dev/null; then
            say "note: there is no QEMU $version for aarch64; its test is skipped"
            return 0
        fi
        rm -f "$work/depends"
        chmod -R a+rX "$work"
        mv "$work" "$into"
    fi
    printf '%s\n' "$into"
}
