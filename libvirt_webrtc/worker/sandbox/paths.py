"""The files that a locked worker can still read: programs and libraries, and how names are resolved.

Not the configuration, the token, the state folder, or anybody's home. Modules that a worker uses are imported before
it is locked in; these are for what libraries open by themselves.
"""

import os
import site
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import libvirt_webrtc

_PROGRAMS = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache", "/nix/store", "/gnu/store")
_PYTHON = tuple(
    # A prefix of / would be everything; its libraries are in /usr and /lib then.
    {sys.prefix, sys.base_prefix, *site.getsitepackages(), str(Path(libvirt_webrtc.__file__).parent)}
    - {"/", ""}
)
"""Python's own folders, and this package's, which is elsewhere in a checkout."""
_SYSTEM = (
    *("/etc/localtime", "/dev/null", "/dev/urandom", "/dev/random"),
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
_NAMES = (
    *(
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/host.conf",
        "/etc/gai.conf",
        "/etc/services",
    ),
    *(
        "/etc/ssl/certs",
        "/etc/ssl/openssl.cnf",
        "/etc/pki/tls/certs",
        "/etc/pki/ca-trust",
        "/etc/crypto-policies",
    ),
    *("/etc/ca-certificates", "/var/lib/ca-certificates"),
)
_NAMES_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_RESOLVERS = "/run/"
"""Where services write a resolv.conf that ``/etc/resolv.conf`` leads to; they replace it, so its folder counts."""
_GRAPHICS = (
    *("/sys/dev/char", "/sys/devices", "/sys/class/drm", "/sys/bus/pci", "/proc/driver/nvidia"),
    *("/etc/drirc", "/etc/glvnd", "/etc/egl", "/proc/devices", "/proc/modules", "/run/opengl-driver"),
)
"""What Mesa, libdrm, libglvnd and NVIDIA's driver look into."""
_GRAPHICS_VARIABLES = (
    *("LD_LIBRARY_PATH", "LIBGL_DRIVERS_PATH", "GBM_BACKENDS_PATH"),
    *("__EGL_VENDOR_LIBRARY_DIRS", "__EGL_VENDOR_LIBRARY_FILENAMES"),
)
"""By these the operator says that drivers are elsewhere; each is a list of paths."""
_DEVICE_FOLDERS = ("/dev/dri",)


def readable(*, graphics: bool) -> Iterator[str]:
    """Paths that may or may not exist; folders stand for all that is below them."""
    yield from _PROGRAMS
    yield from _PYTHON
    yield from _SYSTEM
    yield from _NAMES
    yield from _named(_NAMES_VARIABLES)
    yield from _resolver_folder()
    if graphics:
        yield from _GRAPHICS
        yield from _named(_GRAPHICS_VARIABLES)


def listable(*, graphics: bool) -> tuple[str, ...]:
    """Folders whose names may be read, but not the files in them: of those, a worker has its rights' devices."""
    return _DEVICE_FOLDERS if graphics else ()


def _named(variables: Iterable[str]) -> Iterator[str]:
    """The paths that the operator has given in the service's environment."""
    for name in variables:
        yield from filter(os.path.isabs, os.environ.get(name, "").split(os.pathsep))


def _resolver_folder() -> Iterator[str]:
    folder = os.path.dirname(os.path.realpath("/etc/resolv.conf"))
    if folder.startswith(_RESOLVERS):
        yield folder
