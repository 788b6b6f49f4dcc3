# shellcheck shell=bash
# A libvirt that answers: the machine's own if it runs, else one that is started here and stopped again at the end.
# Sourced; needs common.sh. URI is set by the caller. Session daemons are started by libvirt itself.

RUNTIME=""               # set by libvirt_runtime: files of this run, readable for this user only
STARTED_UNITS=()         # systemd units that were not active before
OWN_QEMU_CONF=0          # 1: the daemon that we started sees a qemu.conf of ours
DAEMON_DEADLINE_S=20

libvirt_runtime() {
    if is_root; then RUNTIME=/run/libvirt-webrtc-demo; else RUNTIME=${XDG_RUNTIME_DIR:-$(cache_dir)}/libvirt-webrtc-demo; fi
    mkdir -p "$RUNTIME"
    chmod 0700 "$RUNTIME"
}

vir() { virsh --quiet --connect "$URI" "$@"; }

libvirt_answers() { timeout 20 virsh --quiet --connect "$URI" uri >/dev/null 2>&1; }

# our_daemon NAME: the pid of one that this script, or a run of it that was killed, started
our_daemon() {
    local pid
    pid=$(cat "$RUNTIME/$1.pid" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && printf '%s\n' "$pid"
}

await_libvirt() {
    local deadline=$((SECONDS + DAEMON_DEADLINE_S))
    until libvirt_answers; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

start_daemons() {
    # Guest output goes through virtlogd; libvirtd does not start it. A name space of our own only where our qemu.conf is needed.
    if ! our_daemon virtlogd >/dev/null && ! kill -0 "$(cat /run/virtlogd.pid 2>/dev/null)" 2>/dev/null; then
        virtlogd --daemon --pid-file "$RUNTIME/virtlogd.pid" 9>&-
    fi
    if [ "$OWN_QEMU_CONF" = 1 ]; then
        # shellcheck disable=SC2016  # expanded by the inner shell
        unshare --mount sh -c 'mount --bind "$1/qemu.conf" /etc/libvirt/qemu.conf && exec libvirtd --daemon --pid-file "$1/libvirtd.pid"' \
            sh "$RUNTIME" 9>&-
    else
        libvirtd --daemon --pid-file "$RUNTIME/libvirtd.pid" 9>&-
    fi
    await_libvirt || die "libvirtd was started and does not answer on $URI; see /var/log/libvirt"
}

# ensure_libvirt_runs: as root, for the system daemon
ensure_libvirt_runs() {
    local unit
    libvirt_answers && return 0
    is_root || die "libvirt does not answer on $URI"
    if [ -d /run/systemd/system ]; then
        for unit in libvirtd.service virtqemud.service; do
            systemctl cat "$unit" >/dev/null 2>&1 || continue
            step "starting $unit"
            # The sockets first: they are what a later client would start the service by.
            STARTED_UNITS=("$unit" "${unit%.service}.socket" "${unit%.service}-ro.socket" "${unit%.service}-admin.socket")
            systemctl start "$unit"
            break
        done
        await_libvirt || die "libvirt does not answer on $URI; see: systemctl status libvirtd virtqemud"
    else
        command -v libvirtd >/dev/null || die "libvirt does not answer on $URI, and there is no libvirtd to start"
        step "starting libvirtd"
        start_daemons
    fi
}

stop_daemon() {
    local pid
    pid=$(our_daemon "$1") || return 0
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 100); do
        [ -e "/proc/$pid" ] || break
        sleep 0.1
    done
    rm -f "$RUNTIME/$1.pid"
}

stop_what_we_started() {
    if [ "${#STARTED_UNITS[@]}" -gt 0 ]; then
        step "stopping ${STARTED_UNITS[0]}"
        systemctl stop "${STARTED_UNITS[@]}" 2>/dev/null || true
    fi
    if our_daemon libvirtd >/dev/null; then
        step "stopping libvirtd"
        stop_daemon libvirtd
    fi
    stop_daemon virtlogd
}

# start_domain NAME: as it is. Where libvirtd is ours and the machine, a container or chroot, cannot give guests their own
# /dev and cgroups, or unlimited core files (sudo takes these away), libvirtd is started once more without them. qemu.conf
# has no command-line option, and the machine's file must stay as it is: ours is put over it in a mount name space that
# only this daemon has.
start_domain() {
    local output
    output=$(vir start "$1" 2>&1) && return 0
    if [ "$OWN_QEMU_CONF" = 0 ] && our_daemon libvirtd >/dev/null &&
        [[ $output =~ namespace|mount|propagation|cgroup|/dev|"core file" ]]; then
        say "$output"
        step "starting libvirtd once more, without mount name spaces, cgroups and core files for guests"
        { cat /etc/libvirt/qemu.conf 2>/dev/null && printf '\nnamespaces = []\ncgroup_controllers = []\nmax_core = 0\n'; } >"$RUNTIME/qemu.conf"
        stop_daemon libvirtd
        OWN_QEMU_CONF=1
        start_daemons
        output=$(vir start "$1" 2>&1) && return 0
    fi
    die "the guest $1 does not start: $output"
}
