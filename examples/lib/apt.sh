# shellcheck shell=bash
# apt with a suite that the machine's own sources do not name (Debian 12's backports), leaving /etc/apt as it is.
# Sourced; needs common.sh.

APT_EXTRA_SOURCES="" # a folder once the machine's sources plus the extra suite are in use

# debian_release [OS-RELEASE]: 12, 13 or another number; "testing" for Debian without a number; empty where it is not Debian
debian_release() {
    # shellcheck source=/dev/null
    (. "${1:-/etc/os-release}" 2>/dev/null && [ "${ID:-}" = debian ] && printf '%s\n' "${VERSION_ID:-testing}") || true
}

debian_codename() {
    # shellcheck source=/dev/null
    (. /etc/os-release && printf '%s\n' "$VERSION_CODENAME")
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
installed_version() { dpkg-query -W -f='${Version}' "$1" 2>/dev/null; }

# missing PACKAGE...: those that are not installed, one a line
missing() {
    local package
    for package in "$@"; do
        installed "$package" || printf '%s\n' "$package"
    done
}

# apt_get ARGUMENT...: apt-get with the sources in use; never asks.
apt_get() {
    local options=(-qq -o Acquire::Languages=none -o APT::Sandbox::User=root -o DPkg::Lock::Timeout=300)
    [ -z "$APT_EXTRA_SOURCES" ] || options+=(-o "Dir::Etc::SourceParts=$APT_EXTRA_SOURCES")
    DEBIAN_FRONTEND=noninteractive LC_ALL=C quietly apt-get "${options[@]}" "$@"
}

# The machine's own lines for CODENAME, each once more for CODENAME-backports: same mirror, same key, no host named here.
# deb822 (*.sources) and one-line (*.list) files are both read.
backports_source() {
    local codename=$1
    awk -v suite="$codename" '
        function flush() { if (uris && ok) { print "Types: deb\nURIs: " uris "\nSuites: " suite "-backports\nComponents: main" key "\n"; done = 1 }
                           uris = ""; ok = 0; key = "" }
        done { exit }
        FNR == 1 { flush() }
        /^[[:space:]]*$/ { flush(); next }
        /^URIs:/ { sub(/^URIs:[[:space:]]*/, ""); uris = $0 }
        /^Suites:/ { for (i = 2; i <= NF; i++) if ($i == suite) ok = 1 }
        /^Signed-By:[[:space:]]*[^[:space:]]/ { key = "\n" $0 }
        /^deb[[:space:]]/ {
            line = $0; key = ""
            if (match(line, /signed-by=[^] ]+/)) key = "\nSigned-By: " substr(line, RSTART + 10, RLENGTH - 10)
            sub(/^deb[[:space:]]+(\[[^]]*\][[:space:]]*)?/, "", line); split(line, part, /[[:space:]]+/)
            uris = part[1]; ok = (part[2] == suite); flush()
        }
        END { if (!done) flush() }' "${@:2}"
}

# use_backports: from here on apt_get knows the backports suite as well.
use_backports() {
    [ -z "$APT_EXTRA_SOURCES" ] || return 0
    local codename files=()
    codename=$(debian_codename)
    mapfile -t files < <(find /etc/apt/sources.list /etc/apt/sources.list.d -maxdepth 1 -type f \
        \( -name '*.sources' -o -name '*.list' \) 2>/dev/null | sort)
    [ "${#files[@]}" -gt 0 ] || die "apt has no sources; name $codename and $codename-backports in /etc/apt, or use --stock"
    APT_EXTRA_SOURCES=$(cache_dir)/apt-sources
    rm -rf "$APT_EXTRA_SOURCES"
    mkdir -p "$APT_EXTRA_SOURCES"
    find /etc/apt/sources.list.d -maxdepth 1 -type f \( -name '*.sources' -o -name '*.list' \) \
        -exec cp -t "$APT_EXTRA_SOURCES" {} +
    grep -qsE "(^Suites:|[[:space:]]).*$codename-backports" "${files[@]}" ||
        backports_source "$codename" "${files[@]}" >"$APT_EXTRA_SOURCES/libvirt-webrtc-backports.sources"
}

APT_UPDATED="" # the sources for which the lists were fetched by this process
apt_update() {
    [ "$APT_UPDATED" != "+$APT_EXTRA_SOURCES" ] || return 0
    step "fetching apt's package lists"
    apt_get update
    APT_UPDATED="+$APT_EXTRA_SOURCES"
}

# apt_install [-t SUITE] PACKAGE...: packages that are there already are not touched, their recommendations not taken.
apt_install() {
    local suite=()
    if [ "$1" = -t ]; then
        suite=(-t "$2")
        shift 2
    fi
    [ "$#" -gt 0 ] || return 0
    apt_update
    step "installing $*"
    apt_get install -y --no-install-recommends "${suite[@]}" "$@"
}
