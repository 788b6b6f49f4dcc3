#!/usr/bin/env bash
# All tests: installs what is missing, then unit tests and, in a private world with its own libvirtd, the tests with real
# libvirt, QEMU, Chromium and Firefox. Arguments go to pytest.
#   sudo ./tests/run.sh [--no-lint] [--long] [--behind-proxy] [PYTEST-ARGUMENT...]
# --long: also those tests that take minutes each.
# --behind-proxy: browsers reach portals through nginx, with its TLS, by another host name and in a folder.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/lib/common.sh
. "$HERE/../examples/lib/common.sh"
# shellcheck source=examples/lib/apt.sh
. "$HERE/../examples/lib/apt.sh"
# shellcheck source=examples/lib/install.sh
. "$HERE/../examples/lib/install.sh"
# shellcheck source=tests/support/qemu_beside.sh
. "$HERE/support/qemu_beside.sh"
# shellcheck source=tests/support/gl_rig.sh
. "$HERE/support/gl_rig.sh"
# shellcheck source=tests/support/gl_vm.sh
. "$HERE/support/gl_vm.sh"
# shellcheck source=tests/support/desktop_image.sh
. "$HERE/support/desktop_image.sh"
# shellcheck source=tests/support/memtest.sh
. "$HERE/support/memtest.sh"

lint=1
while :; do
    case "${1:-}" in
        --no-lint) lint=0 ;;
        --long) export LIBVIRT_WEBRTC_TEST_LONG=1 ;;
        --behind-proxy) export LIBVIRT_WEBRTC_TEST_PROXY=1 ;;
        *) break ;;
    esac
    shift
done

cd "$CHECKOUT"
# Debian starts these as soon as they are installed; the tests run their own, and the machine is to have none.
masked=()
for service in coturn:coturn nginx-light:nginx; do
    if is_root && [ -d /run/systemd/system ] && ! installed "${service%:*}"; then masked+=("${service#*:}.service"); fi
done
[ "${#masked[@]}" = 0 ] || systemctl --quiet --runtime mask "${masked[@]}"
ensure_system 0 "${TEST_PACKAGES[@]}"
ensure_gl
if [ "${#masked[@]}" != 0 ]; then
    systemctl --quiet disable "${masked[@]}"
    systemctl --quiet --runtime unmask "${masked[@]}"
fi
ensure_venv test
[ "$lint" = 0 ] || "$HERE/lint.sh"

if ! is_root; then
    say "note: without root there is no private libvirtd; the tests that need it are skipped"
    exec "$PYTHON" -m pytest "$@"
fi

step "building the demo guests"
GUESTS=$(cache_dir)/guests
quietly "$CHECKOUT/examples/guests/build.sh" "$GUESTS"
export LIBVIRT_WEBRTC_TEST_GUESTS=$GUESTS
LIBVIRT_WEBRTC_TEST_EMULATORS=$(command -v qemu-system-x86_64)$(other_qemu | sed 's/^/:/')
export LIBVIRT_WEBRTC_TEST_EMULATORS
LIBVIRT_WEBRTC_TEST_GL=$(gl_rig "$(cache_dir)/gl")
export LIBVIRT_WEBRTC_TEST_GL
if [ "${LIBVIRT_WEBRTC_TEST_LONG:-}" = 1 ]; then
    LIBVIRT_WEBRTC_TEST_VM=$(gl_vm "$(cache_dir)/gl-vm")
    export LIBVIRT_WEBRTC_TEST_VM
    LIBVIRT_WEBRTC_TEST_DESKTOP=$(desktop_image "$(cache_dir)/desktop")
    export LIBVIRT_WEBRTC_TEST_DESKTOP
fi
LIBVIRT_WEBRTC_TEST_MEMTEST=$(memtest_kernel)
export LIBVIRT_WEBRTC_TEST_MEMTEST
LIBVIRT_WEBRTC_TEST_AARCH64=$(aarch64_qemu)
export LIBVIRT_WEBRTC_TEST_AARCH64

exec "$HERE/support/private_world.sh" "$PYTHON" -m pytest "$@"
