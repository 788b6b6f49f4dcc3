"""The script that libvirt runs, as it is shipped in ``hooks/qemu``, and with an installation's paths in it."""

import shlex
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from libvirt_webrtc.concurrency.processes import run_bounded
from libvirt_webrtc.errors import ConfigError

MARK = "# libvirt-webrtc hook 1"
"""The second line of every script that this program installed; what has another one is not touched."""

SHELL_LINE = "#!/bin/sh"
"""The first line where ``env`` has no ``-S`` (coreutils before 8.30, busybox). The script does the same with it,
unless the shell has too few descriptors to open it."""

_TRY_S = 10.0


def script_source() -> str:
    """The script of the installed package or else of the checkout. Raises ConfigError where it is missing."""
    package = resources.files("libvirt_webrtc")
    checkout = Path(__file__).resolve().parents[2] / "hooks" / "qemu"
    source = installed if (installed := package / "_hooks" / "qemu").is_file() else checkout
    try:
        return source.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the hook's script is missing: {error}; install the package again") from error


def filled_script(lines: Mapping[str, Sequence[str]]) -> str:
    """The script with values in some of its lines.

    Args:
        lines: the words for each line. A line that ends in two quotes gets them in their place.

    Raises ConfigError for a word that a line cannot hold.
    """
    script = script_source()
    _, rest = script.split("\n", 1)
    if not _env_splits():
        script = f"{SHELL_LINE}\n{rest}"
    for line, words in lines.items():
        if any(not word.isprintable() for word in words):
            raise ConfigError(f"the hook cannot be told the path {words[0]!r}")
        prefix, joined = line.removesuffix("''"), shlex.join(words)
        filled = prefix + joined if prefix.endswith("=") else f"{prefix} {joined}".rstrip()
        script = script.replace(f"\n{line}\n", f"\n{filled}\n", 1)
    return script


def _env_splits() -> bool:
    """Whether this machine's ``env`` takes the script's first line."""
    try:
        return run_bounded(["/usr/bin/env", "-S", "/bin/sh -c 'exit 0'"], _TRY_S, folder="/").status == 0
    except OSError:
        return False
