#!/usr/bin/env bash
# Demo guests in the browser, from nothing: installs what is missing, starts libvirt if none runs, defines and starts the
# demo guests, serves their consoles, and on Ctrl-C takes away what it started. Other domains stay as they are.
set -euo pipefail

usage() {
    cat <<'END'
usage: quickstart.sh [--check | --install] [--stock] [--listen HOST:PORT] [--guest baremetal|linux]

  --check              no browser: receive the guests' pictures by WHEP, compare them, end with status 0
  --install            only install what is missing
  --stock              on Debian 12, where QEMU or libvirt is missing: 7.2 and 9.0 instead of the backports' 10 and 11
  --listen HOST:PORT   where to serve (default 127.0.0.1:8080, or another port if that is taken)
  --guest KIND         only this demo guest (default: both)

As root on qemu:///system, where everything missing is installed; as another user on qemu:///session.
END
}

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/lib/common.sh
. "$HERE/lib/common.sh"
# shellcheck source=examples/lib/apt.sh
. "$HERE/lib/apt.sh"
# shellcheck source=examples/lib/install.sh
. "$HERE/lib/install.sh"
# shellcheck source=examples/lib/libvirt.sh
. "$HERE/lib/libvirt.sh"
# shellcheck source=examples/lib/portal.sh
. "$HERE/lib/portal.sh"

# The demo domains are known by name and UUID: a domain with one of these names and another UUID is somebody else's.
declare -A NAMES=([baremetal]=libvirt-webrtc-demo [linux]=libvirt-webrtc-demo-linux)
declare -A UUIDS=([baremetal]=7d1f0c52-5a53-4a39-9b0e-64656d6f0001 [linux]=7d1f0c52-5a53-4a39-9b0e-64656d6f0002)
declare -A NONCES=()

MODE=serve
STOCK=0
GUESTS=(baremetal linux)
DEFINED=()  # kinds of the guests of this run, as they came
GUEST_FILES=""

parse_arguments() {
    while [ "$#" -gt 0 ]; do
        case "$1" in
            --check) MODE=check ;;
            --install) MODE=install ;;
            --stock) STOCK=1 ;;
            --listen) LISTEN=${2:?--listen needs HOST:PORT} && shift ;;
            --guest)
                GUESTS=("${2:?--guest needs baremetal or linux}") && shift
                [ -n "${NAMES[${GUESTS[0]}]:-}" ] || die "--guest: baremetal or linux"
                ;;
            -h | --help) usage && exit 0 ;;
            *) usage >&2 && exit 2 ;;
        esac
        shift
    done
}

cleanup() {
    local status=$? kind
    trap '' INT TERM HUP
    trap - EXIT
    stop_portal
    for kind in "${DEFINED[@]}"; do
        step "removing the guest ${NAMES[$kind]}"
        remove_domain "${UUIDS[$kind]}"
    done
    stop_what_we_started
    [ -z "$RUNTIME" ] || rm -rf "$RUNTIME"
    exit "$status"
}

one_at_a_time() {
    exec 9>"$RUNTIME.lock"
    flock --nonblock 9 || die "another quickstart.sh is running; end it with Ctrl-C first"
}

remove_domain() { # quiet where there is nothing to remove
    vir destroy "$1" >/dev/null 2>&1 || true
    vir undefine "$1" --managed-save >/dev/null 2>&1 || true
}

# define_guest KIND: the demo's domain with the D-Bus display added; one that an earlier run left behind is replaced.
define_guest() {
    local kind=$1 name=${NAMES[$1]} uuid=${UUIDS[$1]} there
    if there=$(vir domuuid "$name" 2>/dev/null); then
        [ "$there" = "$uuid" ] || die "a domain named $name exists and is not this demo's; rename or remove it"
        remove_domain "$uuid"
    fi
    NONCES[$kind]=$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
    DEFINED+=("$kind")
    sed -e "s|@NAME@|$name|; s|@UUID@|$uuid|; s|@EMULATOR@|$(command -v qemu-system-x86_64)|" \
        -e "s|@DIR@|$GUEST_FILES|; s|@CMDLINE@|nonce=${NONCES[$kind]}|" "$HERE/guests/$kind.xml.in" |
        "$PYTHON" -m libvirt_webrtc xml add >"$RUNTIME/$kind.xml"
    vir define "$RUNTIME/$kind.xml" >/dev/null
}

banner() {
    local kind
    for kind in "${GUESTS[@]}"; do
        printf '  guest %-26s picture nonce %s\n' "${NAMES[$kind]}" "${NONCES[$kind]}"
    done | portal_banner "Ctrl-C ends the guests and the portal."
}

check() {
    local kind expected=()
    for kind in "${GUESTS[@]}"; do
        expected+=("${UUIDS[$kind]}=${NONCES[$kind]}")
    done
    check_pictures "${expected[@]}"
}

main() {
    local kind
    parse_arguments "$@"
    ensure_system "$STOCK"
    ensure_venv ""
    [ "$MODE" != install ] || { step "everything is installed" && exit 0; }

    if is_root; then URI=qemu:///system; else URI=qemu:///session; fi
    libvirt_runtime
    one_at_a_time
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    GUEST_FILES=$(cache_dir)/guests
    step "building the demo guests"
    quietly "$HERE/guests/build.sh" "$GUEST_FILES"
    ensure_libvirt_runs
    for kind in "${GUESTS[@]}"; do
        define_guest "$kind"
        step "starting the guest ${NAMES[$kind]}"
        start_domain "${NAMES[$kind]}"
    done
    choose_listen
    start_portal serve --uri "$URI"
    if [ "$MODE" = check ]; then
        check
    else
        trap 'exit 0' INT
        banner
        follow_portal
    fi
}

main "$@"
