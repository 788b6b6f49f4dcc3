# shellcheck shell=bash
# What every script here needs: words to the user, and where things are. Sourced, never run.
# shellcheck disable=SC2034  # what is set here is for those who source it

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }
step() { printf '==> %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# quietly COMMAND...: its output is shown only when it fails; the status is its own.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ "$status" -eq 0 ] || { say "failed ($status): $*" && tail -n 40 "$log" >&2; }
    rm -f "$log"
    return "$status"
}

# cache_dir: what is downloaded or built once. For root it is a place that QEMU's own user can read too.
cache_dir() {
    local dir=${LIBVIRT_WEBRTC_CACHE:-}
    if [ -z "$dir" ]; then
        if is_root; then dir=/var/cache/libvirt-webrtc; else dir=${XDG_CACHE_HOME:-$HOME/.cache}/libvirt-webrtc; fi
    fi
    mkdir -p "$dir"
    printf '%s\n' "$dir"
}
