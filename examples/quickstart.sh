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

# The demo domains are known by name and UUID: a domain with one of these names and another UUID is somebody else's.
declare -A NAMES=([baremetal]=libvirt-webrtc-demo [linux]=libvirt-webrtc-demo-linux)
declare -A UUIDS=([baremetal]=7d1f0c52-5a53-4a39-9b0e-64656d6f0001 [linux]=7d1f0c52-5a53-4a39-9b0e-64656d6f0002)
declare -A NONCES=()

MODE=serve
STOCK=0
LISTEN=""
GUESTS=(baremetal linux)
DEFINED=()  # kinds of the guests of this run, as they came
SERVE_PID=""
GUEST_FILES=""
PORTAL_DEADLINE_S=60

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
    if [ -n "$SERVE_PID" ] && kill "$SERVE_PID" 2>/dev/null; then
        step "stopping the portal"
        wait "$SERVE_PID" 2>/dev/null || true
    fi
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

choose_listen() {
    [ -z "$LISTEN" ] || return 0
    LISTEN=$("$PYTHON" - <<'END'
import socket

for port in (8080, 0):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        print("%s:%d" % probe.getsockname())
        break
END
    )
    [ "$LISTEN" = 127.0.0.1:8080 ] || say "port 8080 is taken here; using $LISTEN"
}

serve() {
    step "starting the portal"
    # Ends with this script, also where that is killed.
    setpriv --pdeathsig TERM "$PYTHON" -m libvirt_webrtc serve --uri "$URI" --listen "$LISTEN" --token-file "$RUNTIME/token" \
        >"$RUNTIME/portal.log" 2>&1 </dev/null 9>&- &
    SERVE_PID=$!
    local deadline=$((SECONDS + PORTAL_DEADLINE_S))
    local answers='import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)'
    until "$PYTHON" -c "$answers" "http://$LISTEN/healthz" 2>/dev/null; do
        kill -0 "$SERVE_PID" 2>/dev/null || { tail -n 40 "$RUNTIME/portal.log" >&2 && die "the portal ended"; }
        [ "$SECONDS" -lt "$deadline" ] || { tail -n 40 "$RUNTIME/portal.log" >&2 && die "the portal does not answer"; }
        sleep 0.2
    done
}

banner() {
    local kind line token
    line=$(printf '%.0s-' {1..76})
    token=$(cat "$RUNTIME/token")
    printf '\n%s\n  Open   http://%s/\n  Token  %s\n' "$line" "$LISTEN" "$token"
    printf '  or     http://%s/login#token=%s\n\n' "$LISTEN" "$token"
    for kind in "${GUESTS[@]}"; do
        printf '  guest %-26s picture nonce %s\n' "${NAMES[$kind]}" "${NONCES[$kind]}"
    done
    printf '\n  Ctrl-C ends the guests and the portal.\n%s\n\n' "$line"
}

check() {
    local kind expected=()
    for kind in "${GUESTS[@]}"; do
        expected+=("${UUIDS[$kind]}=${NONCES[$kind]}")
    done
    step "receiving the picture"
    (cd "$CHECKOUT" && "$PYTHON" -m examples.check_picture "http://$LISTEN" --token-file "$RUNTIME/token" "${expected[@]}") || {
        tail -n 40 "$RUNTIME/portal.log" >&2
        die "the picture did not come, or is not the one expected"
    }
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
    serve
    if [ "$MODE" = check ]; then
        check
    else
        banner
        trap 'exit 0' INT
        tail -f "$RUNTIME/portal.log" --pid="$SERVE_PID" 2>/dev/null 9>&- &
        wait "$SERVE_PID" || die "the portal ended"
    fi
}

main "$@"
