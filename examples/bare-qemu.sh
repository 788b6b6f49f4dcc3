#!/usr/bin/env bash
# A QEMU without libvirt in the browser: starts a demo guest, on a message bus of its own or with --p2p by its monitor, serves
# its console, and on Ctrl-C ends what it started. Installs what quickstart.sh installs, and a dbus-daemon.
set -euo pipefail

usage() {
    cat <<'END'
usage: bare-qemu.sh [--p2p] [--gl] [--check] [--listen HOST:PORT] [--guest baremetal|linux] [--emulator PATH]

  --p2p                no bus: the portal asks QEMU's monitor for the display
  --gl                 QEMU hands pictures over as DMA-BUF (gl=on); takes a render node, /dev/dri/renderD*
  --check              no browser: receive the guest's picture by WHEP, compare it, end with status 0
  --listen HOST:PORT   where to serve (default 127.0.0.1:8080, or another port if that is taken)
  --guest KIND         which demo guest (default: linux)
  --emulator PATH      another QEMU than the qemu-system-x86_64 that is found

As root, everything missing is installed; another user is told what is missing.
END
}

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/lib/common.sh
. "$HERE/lib/common.sh"
# shellcheck source=examples/lib/apt.sh
. "$HERE/lib/apt.sh"
# shellcheck source=examples/lib/install.sh
. "$HERE/lib/install.sh"
# shellcheck source=examples/lib/portal.sh
. "$HERE/lib/portal.sh"

MODE=serve
P2P=0
GL=off
GUEST=linux
EMULATOR=""
RUNTIME=""
STARTED=() # process ids of QEMU and its bus
START_DEADLINE_S=20

parse_arguments() {
    while [ "$#" -gt 0 ]; do
        case "$1" in
            --p2p) P2P=1 ;;
            --gl) GL=on ;;
            --check) MODE=check ;;
            --listen) LISTEN=${2:?--listen needs HOST:PORT} && shift ;;
            --emulator) EMULATOR=${2:?--emulator needs a path} && shift ;;
            --guest)
                GUEST=${2:?--guest needs baremetal or linux} && shift
                [ "$GUEST" = baremetal ] || [ "$GUEST" = linux ] || die "--guest: baremetal or linux"
                ;;
            -h | --help) usage && exit 0 ;;
            *) usage >&2 && exit 2 ;;
        esac
        shift
    done
}

cleanup() {
    local status=$? pid
    trap '' INT TERM HUP
    trap - EXIT
    stop_portal
    for pid in "${STARTED[@]}"; do
        kill "$pid" 2>/dev/null || continue
        wait "$pid" 2>/dev/null || true
    done
    [ -z "$RUNTIME" ] || rm -rf "$RUNTIME"
    exit "$status"
}

require_render_node() {
    local node
    for node in /dev/dri/renderD*; do
        [ -e "$node" ] || die "--gl: this machine has no render node (/dev/dri/renderD*), and QEMU does not start without one"
        if [ -r "$node" ] && [ -w "$node" ]; then return 0; fi
    done
    die "--gl: you may not use /dev/dri/renderD*; be in the group 'render'"
}

# start NAME SOCKET COMMAND...: in the background, until it listens. It ends with this script, also where that is killed.
start() {
    local name=$1 socket=$2 pid deadline=$((SECONDS + START_DEADLINE_S))
    local listens='import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])'
    shift 2
    step "starting $name"
    setpriv --pdeathsig TERM "$@" >"$RUNTIME/$name.log" 2>&1 </dev/null &
    pid=$!
    STARTED=("$pid" "${STARTED[@]}")
    until "$PYTHON" -c "$listens" "$socket" 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null || { cat "$RUNTIME/$name.log" >&2 && die "$name ended"; }
        [ "$SECONDS" -lt "$deadline" ] || die "$name does not start"
        sleep 0.1
    done
}

start_qemu() {
    local nonce=$1 display=$2 guest
    if [ "$GUEST" = baremetal ]; then
        guest=(-m 32 -device VGA -kernel "$FILES/baremetal.elf" -append "nonce=$nonce")
    else
        guest=(-m 128 -device virtio-vga -device virtio-tablet-pci -device virtio-keyboard-pci
            -kernel "$FILES/linux.vmlinuz" -initrd "$FILES/linux.initrd" -append "console=ttyS0 quiet nonce=$nonce")
    fi
    start qemu "$RUNTIME/qmp" "$EMULATOR" -name libvirt-webrtc-bare -machine pc,accel=tcg -nodefaults \
        -display "$display" -qmp "unix:$RUNTIME/qmp,server=on,wait=off" "${guest[@]}"
}

main() {
    local nonce needs=()
    parse_arguments "$@"
    [ "$P2P" = 1 ] || needs=(dbus-daemon)
    ensure_system 0 "${needs[@]}"
    [ "$GL" = off ] || ensure_gl
    ensure_venv ""
    [ "$GL" = off ] || require_render_node
    EMULATOR=${EMULATOR:-$(command -v qemu-system-x86_64)}

    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    RUNTIME=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/libvirt-webrtc-bare.XXXXXX")

    FILES=$(cache_dir)/guests
    step "building the demo guest"
    quietly "$HERE/guests/build.sh" "$FILES" "$GUEST"
    nonce=$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
    choose_listen
    if [ "$P2P" = 1 ]; then
        start_qemu "$nonce" "dbus,p2p=on,gl=$GL"
        start_portal stream --qmp "$RUNTIME/qmp"
    else
        # Where QEMU and the portal look for a bus unless they are told another.
        export DBUS_SESSION_BUS_ADDRESS=unix:path=$RUNTIME/bus
        start bus "$RUNTIME/bus" dbus-daemon --session --nofork --nopidfile "--address=$DBUS_SESSION_BUS_ADDRESS"
        start_qemu "$nonce" "dbus,gl=$GL"
        start_portal stream
    fi
    if [ "$MODE" = check ]; then
        check_pictures "$nonce"
    else
        trap 'exit 0' INT
        portal_banner "Ctrl-C ends QEMU and the portal." <<<"  guest $GUEST, picture nonce $nonce; its display: $([ "$P2P" = 1 ] && echo "by QEMU's monitor" || echo "on a bus"), gl=$GL"
        follow_portal
    fi
}

main "$@"
