#!/bin/sh
# build.sh OUTPUT: compiles the bare-metal guest. Plain gcc and binutils, no 32-bit libraries.
set -eu
output=$1
here=$(cd "$(dirname "$0")" && pwd)
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

flags="-m32 -march=i686 -msse2 -mfpmath=sse -O3 -std=gnu11 -Wall -Wextra -Werror
    -ffreestanding -nostdlib -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
    -fno-tree-loop-distribute-patterns -fcf-protection=none -mno-red-zone"
for source in "$here"/*.S "$here"/*.c "$here"/../common/*.c; do
    # shellcheck disable=SC2086
    gcc $flags -c "$source" -o "$objects/$(basename "$source").o"
done
ld -m elf_i386 -nostdlib -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments \
    -T "$here/link.ld" -o "$output" "$objects"/*.o
