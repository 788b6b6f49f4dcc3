# shellcheck shell=bash
# The portal of a demo: started, announced, checked, stopped. Sourced; needs common.sh and install.sh's PYTHON.
# RUNTIME is set by the caller: a folder that only this user reads.

LISTEN=""    # where to serve; choose_listen finds a place where the caller names none
SERVE_PID="" # set while the portal runs
PORTAL_DEADLINE_S=60

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

# start_portal COMMAND [OPTION...]: libvirt-webrtc's serve or stream, until it answers
start_portal() {
    step "starting the portal"
    # Ends with this script, also where that is killed.
    setpriv --pdeathsig TERM "$PYTHON" -m libvirt_webrtc "$@" --listen "$LISTEN" --token-file "$RUNTIME/token" \
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

# portal_banner CLOSING: where to go, with standard input's lines under it
portal_banner() {
    local line token
    line=$(printf '%.0s-' {1..76})
    token=$(cat "$RUNTIME/token")
    printf '\n%s\n  Open   http://%s/\n  Token  %s\n' "$line" "$LISTEN" "$token"
    printf '  or     http://%s/login#token=%s\n\n' "$LISTEN" "$token"
    cat
    printf '\n  %s\n%s\n\n' "$1" "$line"
}

# check_pictures [UUID=]NONCE...: receive them, and compare
check_pictures() {
    step "receiving the picture"
    (cd "$CHECKOUT" && "$PYTHON" -m examples.check_picture "http://$LISTEN" --token-file "$RUNTIME/token" "$@") || {
        tail -n 40 "$RUNTIME/portal.log" >&2
        die "the picture did not come, or is not the one expected"
    }
}

# follow_portal: its log, for as long as it runs
follow_portal() {
    tail -f "$RUNTIME/portal.log" --pid="$SERVE_PID" 2>/dev/null 9>&- &
    wait "$SERVE_PID" || die "the portal ended"
}

stop_portal() {
    if [ -n "$SERVE_PID" ] && kill "$SERVE_PID" 2>/dev/null; then
        step "stopping the portal"
        wait "$SERVE_PID" 2>/dev/null || true
    fi
}
