# shellcheck shell=bash
# What the program, its demo guests and its tests need on Debian 12, 13 and testing: packages, and a virtual environment with the
# program in it. What is there is used as it is, and a second run finds nothing to do. Sourced; needs common.sh and apt.sh.
# shellcheck disable=SC2034  # what is set here is for those who source it

RUN_PACKAGES=(python3 python3-venv libyuv0 libturbojpeg0 libseccomp2)
# libvirt-python has no wheels: it is built against the installed libvirt. The demo guests are built with the same compiler.
BUILD_PACKAGES=(gcc libc6-dev binutils pkg-config python3-dev make xz-utils zstd cpio)
# What reads displays with gl=on, and what QEMU itself draws them with: it ends at once without libGL and libOpenGL.
GL_PACKAGES=(libegl1 libgles2 libgbm1 libgl1-mesa-dri libgl1 libopengl0)
TEST_PACKAGES=(chromium coturn dbus-daemon firefox-esr fonts-dejavu-core iproute2 iptables nginx-light nodejs shellcheck procps virtinst qemu-utils)

PYTHON=""  # set by ensure_venv: the virtual environment's interpreter
APT_HINT=() # what an ordinary user is told to run

require_debian() {
    case "$(debian_release)" in
        12 | 13 | testing) return 0 ;;
    esac
    say "This script installs on Debian 12, 13 and testing only. Elsewhere, install by hand and run it again:"
    say "  QEMU >= 7.2 with its D-Bus display module (ui-dbus.so), libvirt >= 9.0 with its headers (libvirt.pc),"
    say "  Python >= 3.11 with venv and headers, gcc, binutils, pkg-config, cpio, xz, libseccomp, libyuv, libturbojpeg;"
    die "not Debian 12, 13 or testing"
}

# The suite that goes with what is there already: backports beside backports. Without anything there, the newer.
# suite_for PACKAGE STOCK: empty for the machine's own suites, or CODENAME-backports.
suite_for() {
    local version
    [ "$(debian_release)" = 12 ] || return 0
    if version=$(installed_version "$1") && [ -n "$version" ]; then
        [[ $version != *bpo12* ]] || printf 'bookworm-backports\n'
    elif [ "$2" = 0 ]; then
        printf 'bookworm-backports\n'
    fi
}

# add SUITE PACKAGE...: install now as root, or remember what to tell an ordinary user.
add() {
    local suite=$1
    shift
    [ "$#" -gt 0 ] || return 0
    if ! is_root; then
        APT_HINT+=("apt-get install --no-install-recommends ${suite:+-t $suite }$*")
        return 0
    fi
    [ -z "$suite" ] || use_backports
    if [ -n "$suite" ]; then apt_install -t "$suite" "$@"; else apt_install "$@"; fi
}

# ensure_packages PACKAGE...: what is missing goes in at once.
ensure_packages() {
    local absent
    mapfile -t absent < <(missing "$@")
    add "" "${absent[@]}"
}

has_dbus_module() { # of the QEMU in use, if Debian's packages made it
    local file
    for file in /usr/lib/*/qemu/ui-dbus.so; do [ -e "$file" ] && return 0; done
    return 1
}

# QEMU, with the modules that hold its D-Bus display and OpenGL: they are only recommended by it, and in packages of
# different names in 7.2 (qemu-system-common, a dependency) and from 8.1 on.
ensure_qemu() {
    local stock=$1 suite packages=()
    if command -v qemu-system-x86_64 >/dev/null && ! installed qemu-system-x86; then
        return 0 # somebody's own build: theirs to complete
    fi
    suite=$(suite_for qemu-system-common "$stock")
    installed qemu-system-x86 || packages+=(qemu-system-x86)
    if ! has_dbus_module && { [ "$(debian_release)" != 12 ] || [ -n "$suite" ]; }; then
        packages+=(qemu-system-modules-opengl)
    fi
    add "$suite" "${packages[@]}"
}

# libvirt's daemon, its virsh, and the headers of exactly the installed version.
ensure_libvirt() {
    local stock=$1 suite packages
    suite=$(suite_for libvirt0 "$stock")
    packages=(libvirt-dev)
    command -v virsh >/dev/null || packages+=(libvirt-clients)
    if ! command -v libvirtd >/dev/null && ! command -v virtqemud >/dev/null; then
        packages+=(libvirt-daemon-system libvirt-daemon-driver-qemu)
    elif installed libvirt-daemon; then
        packages+=(libvirt-daemon-driver-qemu)
    fi
    mapfile -t packages < <(missing "${packages[@]}")
    add "$suite" "${packages[@]}"
}

# Of one suite with what QEMU brought: Mesa's packages only go with others of the same version.
ensure_gl() {
    local absent
    APT_HINT=()
    mapfile -t absent < <(missing "${GL_PACKAGES[@]}")
    add "$(suite_for libgbm1 0)" "${absent[@]}"
    tell_what_is_missing
}

# tell_what_is_missing: ends here where an ordinary user has to have something installed first
tell_what_is_missing() {
    [ "${#APT_HINT[@]}" -gt 0 ] || return 0
    say "These packages are missing, and installing them takes root:"
    printf '  sudo %s\n' "${APT_HINT[@]}" >&2
    [[ ${APT_HINT[*]} != *backports* ]] || say "  (with bookworm-backports in apt's sources; or let 'sudo $0 --install' do all of it)"
    die "packages are missing"
}

# ensure_system STOCK [PACKAGE...]: everything by apt. STOCK=1 takes Debian 12's own QEMU and libvirt where none is there.
ensure_system() {
    local stock=$1
    shift
    require_debian
    APT_HINT=()
    # First, because the others may bring in a part of libvirt: of the machine's own suite, and the rest would follow it.
    ensure_qemu "$stock"
    ensure_libvirt "$stock"
    ensure_packages "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "$@"
    tell_what_is_missing
}

system_python() {
    local candidate
    for candidate in /usr/bin/python3 python3.15 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            command -v "$candidate"
            return 0
        fi
    done
    die "no Python >= 3.11 found"
}

# ensure_venv EXTRA: ('' or test)
# the program, editable, in CHECKOUT/.venv (in the cache where the checkout cannot be written). A stamp
# in it names all that it was made of, so that the next run does nothing.
ensure_venv() {
    local extra=$1 base dir target stamp
    local -a more=()
    dir=$CHECKOUT/.venv
    [ -w "$CHECKOUT" ] || dir=$(cache_dir)/venv-$(printf '%s' "$CHECKOUT" | sha256sum | cut -c1-12)
    PYTHON=$dir/bin/python
    # One environment serves both: once the tests' packages are in, they stay in.
    if [ -z "$extra" ] && grep -qs '^extra test$' "$dir/stamp"; then extra='test'; fi
    base=$(system_python)
    [ "$extra" != test ] || more=(--requirement "$CHECKOUT/tests/requirements.txt")
    stamp=$(printf 'extra %s\nproject %s\npython %s\nlibvirt %s\nplace %s\n' "$extra" \
        "$(cat "$CHECKOUT/pyproject.toml" "$CHECKOUT/tests/requirements.txt" | sha256sum)" "$("$base" -V)" "$(pkg-config --modversion libvirt)" "$CHECKOUT")
    [ "$stamp" != "$(cat "$dir/stamp" 2>/dev/null)" ] || return 0
    target=$CHECKOUT${extra:+"[$extra]"}
    step "installing the program and its Python packages into $dir"
    # One that somebody made by hand is installed into; ours is made anew.
    if [ ! -e "$dir" ] || [ -e "$dir/stamp" ]; then
        rm -rf "$dir"
        mkdir -p "$dir"
        echo unfinished >"$dir/stamp"
        quietly "$base" -m venv "$dir"
    fi
    # Built here each time: a wheel that pip kept may be of another libvirt, and would not load.
    quietly "$PYTHON" -m pip install --disable-pip-version-check --no-cache-dir libvirt-python
    quietly "$PYTHON" -m pip install --disable-pip-version-check --editable "$target" "${more[@]}"
    printf '%s\n' "$stamp" >"$dir/stamp"
    # Made by sudo in a user's checkout, it is still the user's.
    ! is_root || chown -R --reference="$CHECKOUT" "$dir"
}
