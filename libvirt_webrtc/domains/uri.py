"""Which libvirt is meant, as virsh takes it, and whether its domains can have consoles here.

Source: libvirt's ``src/libvirt.c`` (``virConnectGetDefaultURI``), ``src/util/virconf.c``, ``src/util/viruri.c``.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from libvirt_webrtc.errors import ConfigError

VARIABLE = "LIBVIRT_DEFAULT_URI"
_SYSTEM_FILE = Path("/etc/libvirt/libvirt.conf")
_STRING = r"""\"\"\".*?\"\"\"|"[^"\n]*"|'[^'\n]*'"""
_COMMENT = r"#[^\n]*"
_DEFAULT = re.compile(rf"^\s*uri_default\s*=\s*({_STRING})", re.MULTILINE | re.DOTALL)
_ALIASES = re.compile(
    rf"^\s*uri_aliases\s*=\s*(\[(?:\s|,|{_COMMENT}|{_STRING})*\])", re.MULTILINE | re.DOTALL
)
_IN_LIST = re.compile(rf"{_COMMENT}|({_STRING})", re.DOTALL)
_ALIAS = re.compile(r"[A-Za-z0-9_-]+")
_LOCAL_TRANSPORTS = ("", "unix")
_WRITE = "write qemu:///system, or qemu:///session for the domains of one user"


def full_uri(given: str | None, environ: Mapping[str, str] | None = None) -> str:
    """The URI of the libvirt that is meant.

    That is the given one; else ``LIBVIRT_DEFAULT_URI``; else ``uri_default`` of libvirt's own configuration, which is
    ``/etc/libvirt/libvirt.conf`` for root and ``libvirt/libvirt.conf`` below ``XDG_CONFIG_HOME`` for others; else the
    system's for root and the user's own for others. ``uri_aliases`` of the same file count for all of them.

    Raises:
        ConfigError: that file cannot be read.
    """
    environ = os.environ if environ is None else environ
    text = _configuration(environ)
    uri = given or environ.get(VARIABLE) or _default(text)
    if not uri:
        return "qemu:///system" if os.geteuid() == 0 else "qemu:///session"
    return _aliases(text).get(uri, uri)


def check_driver(uri: str) -> None:
    """Make sure that this is libvirt's QEMU driver, here or elsewhere.

    Raises:
        ConfigError: it is another; says what to write.
    """
    parts = _split(uri)
    driver = parts.scheme.partition("+")[0]
    if not driver:
        raise ConfigError(f"{uri!r} is no libvirt URI, nor an alias of one in libvirt.conf; {_WRITE}")
    if driver != "qemu":
        raise ConfigError(
            f"{uri} is refused: consoles are QEMU's, and libvirt's {driver} driver has none; {_WRITE}"
        )


def check_local(uri: str) -> None:
    """Make sure that the domains run on this machine, under QEMU.

    Raises:
        ConfigError: they do not; says why that is refused, and what to do.
    """
    check_driver(uri)
    parts = _split(uri)
    transport = parts.scheme.partition("+")[2]
    if transport not in _LOCAL_TRANSPORTS or parts.netloc:
        host = parts.hostname or "that machine"
        raise ConfigError(
            f"{uri} is refused: consoles need libvirt on this machine, which passes displays as file descriptors. "
            f"Run this on {host} itself, or {_WRITE}"
        )


def hint(uri: str) -> str:
    """Where else a domain may be that is not at ``uri``, in brackets; empty where there is nothing to say."""
    is_session = urlsplit(uri).path.endswith("/session")
    return " (the system's domains are at qemu:///system: --uri qemu:///system)" if is_session else ""


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise ConfigError(f"{uri!r} is no libvirt URI ({error}); {_WRITE}") from error


def _configuration(environ: Mapping[str, str]) -> str:
    """The text of libvirt's configuration for its clients; empty where there is none."""
    path = _SYSTEM_FILE
    if os.geteuid() != 0:
        base = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
        path = Path(base) / "libvirt" / "libvirt.conf"
    if not os.path.exists(path):
        # Or in a folder that this user may not enter, such as a service's home: for libvirt that is the same.
        return ""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"cannot read libvirt's configuration for clients: {error}") from error


def _default(text: str) -> str:
    found = _DEFAULT.search(text)
    return _unquoted(found[1]) if found is not None else ""


def _aliases(text: str) -> dict[str, str]:
    found = _ALIASES.search(text)
    if found is None:
        return {}
    entries = [_unquoted(match[1]) for match in _IN_LIST.finditer(found[1]) if match[1] is not None]
    pairs = [(alias, uri) for alias, equals, uri in (entry.partition("=") for entry in entries) if equals]
    # libvirt takes the first of the same name.
    return {alias: uri for alias, uri in reversed(pairs) if _ALIAS.fullmatch(alias)}


def _unquoted(literal: str) -> str:
    return literal[3:-3] if literal.startswith('"""') else literal[1:-1]
