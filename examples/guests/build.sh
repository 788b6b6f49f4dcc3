#!/bin/sh
# build.sh DEST [baremetal|linux|all]: builds the demo guests into DEST; does nothing that is done already.
#
# baremetal needs gcc and binutils. linux also needs libc6-dev, cpio, gzip, xz-utils, zstd, dpkg, and apt with
# package lists (it downloads Debian's kernel). An ordinary user can do it.
set -eu

usage="usage: build.sh DEST [baremetal|linux|all]"
[ $# -ge 1 ] || { echo "$usage" >&2; exit 2; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)
what=${2:-all}
here=$(cd "$(dirname "$0")" && pwd)

# up_to_date OUTPUT FOLDER...: whether OUTPUT is there and newer than every file of the folders
up_to_date() {
    output=$1
    shift
    [ -e "$output" ] && [ -z "$(find "$@" -type f -newer "$output" -print -quit)" ]
}

build_baremetal() {
    if ! up_to_date "$dest/baremetal.elf" "$here/baremetal" "$here/common"; then
        "$here/baremetal/build.sh" "$dest/baremetal.elf"
    fi
    echo "$dest/baremetal.elf"
}

build_linux() {
    if ! up_to_date "$dest/linux.initrd" "$here/linux" "$here/common" || [ ! -e "$dest/linux.vmlinuz" ]; then
        "$here/linux/build.sh" "$dest"
    fi
    echo "$dest/linux.vmlinuz"
    echo "$dest/linux.initrd"
}

case $what in
    baremetal) build_baremetal ;;
    linux) build_linux ;;
    all) build_baremetal && build_linux ;;
    *) echo "$usage" >&2; exit 2 ;;
esac
