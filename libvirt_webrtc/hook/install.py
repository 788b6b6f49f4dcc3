"""Install libvirt's hook, find it again, and uninstall it.

libvirt (6.5 and later) runs every executable file of ``qemu.d/`` besides ``qemu``, so ours stands next to what others
have and replaces nothing. What is installed knows the interpreter and the policy file by absolute paths, because a hook
can trust nothing of its environment.
"""

import os
import shlex
import signal
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from libvirt_webrtc.concurrency.processes import run_bounded
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.script import MARK, filled_script

HOOKS_FOLDER = Path("/etc/libvirt/hooks")
SCRIPT = "50-libvirt-webrtc"
PROBE_S = 30.0
PID_FILES = (Path("/run/libvirtd.pid"), Path("/run/virtqemud.pid"))


@dataclass(frozen=True, slots=True)
class Hook:
    """An installed hook, as its own lines describe it."""

    path: Path
    python: Path
    """The interpreter that it runs; this package is installed in its environment."""
    policy: Path
    made: tuple[Path, ...] = ()
    """The folders that were made for it, the outermost first; uninstalling removes them."""
    known_to: str = ""
    """The :attr:`Daemon.identity` of the daemon that is known to run this hook; empty where none is known."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running libvirtd or virtqemud."""

    name: str
    pid: int
    started_s: float
    """Unix time."""

    @property
    def identity(self) -> str:
        """Names this process; another process with the same number has another identity."""
        return f"{self.pid}@{self.started_s:.0f}"

    def reload(self) -> None:
        """Have the daemon look for hooks again, as ``systemctl reload`` does; guests do not notice.

        Raises ConfigError where it cannot be signalled.
        """
        try:
            os.kill(self.pid, signal.SIGHUP)
        except OSError as error:
            raise ConfigError(f"cannot reload {self.name}: {error}") from error


def install_hook(folder: Path, python: Path, policy: Path) -> Hook:
    """Put the hook into ``folder``/qemu.d, or bring the one up to date that is already there.

    Raises ConfigError where something else has its place, or the interpreter cannot run it.
    """
    before = find_hook(folder)
    probe_interpreter(python)
    path = _path(folder)
    made = before.made if before is not None else tuple(_missing(path.parent))
    known_to = (
        daemon.identity
        for daemon in running_daemons()
        if _has_other_hooks(folder, daemon) or (before is not None and is_known(before, daemon))
    )
    hook = Hook(path, python, policy, made, next(known_to, ""))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(hook)
    except OSError as error:
        raise ConfigError(f"cannot install {path}: {error}") from error
    return hook


def uninstall_hook(folder: Path) -> Hook | None:
    """Remove what :func:`install_hook` put into ``folder``, and nothing else.

    Returns the hook that was removed, or None where there is none. Raises ConfigError where it cannot be removed.
    """
    hook = find_hook(folder)
    if hook is None:
        return None
    try:
        hook.path.unlink()
        for made in reversed(hook.made):
            with suppress(OSError):  # somebody else has put something there
                made.rmdir()
    except OSError as error:
        raise ConfigError(f"cannot remove {hook.path}: {error}") from error
    return hook


def find_hook(folder: Path) -> Hook | None:
    """The hook in ``folder``, or None. Raises ConfigError where a file of somebody else has its name."""
    path = _path(folder)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ConfigError(f"{path} is no file of libvirt-webrtc: move it away, it is not replaced")
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    if lines[1:2] != [MARK]:
        raise ConfigError(f"{path} is not libvirt-webrtc's: move it away, it is not replaced")
    made, known_to = _value(lines, "# made:"), _value(lines, "# known to:")
    return Hook(
        path,
        Path(*_value(lines, "python=")),
        Path(*_value(lines, "policy=")),
        tuple(Path(each) for each in made),
        " ".join(known_to),
    )


def tell_daemon(hook: Hook, daemon: Daemon) -> Hook:
    """Reload a running daemon so that it finds the hook, and write into the hook that it does."""
    daemon.reload()
    told = replace(hook, known_to=daemon.identity)
    try:
        _write(told)
    except OSError as error:
        raise ConfigError(f"cannot write {hook.path}: {error}") from error
    return told


def is_known(hook: Hook, daemon: Daemon) -> bool:
    """Whether the daemon has looked for hooks since this one was installed. It looks when it starts and reloads."""
    return hook.known_to == daemon.identity or daemon.started_s > hook.path.stat().st_mtime


def running_daemons() -> list[Daemon]:
    """The running daemons that look after the system's domains."""
    found = []
    for file in PID_FILES:
        with suppress(OSError, ValueError):
            pid = int(file.read_text())
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if name == file.stem:
                found.append(Daemon(name, pid, _started_s(pid)))
    return found


def probe_interpreter(python: Path) -> Path:
    """The folder of this package in ``python``'s environment, with ``python`` run as the hook runs it.

    Takes at most ``PROBE_S``. Raises ConfigError where the hook could not run with this interpreter.
    """
    code = "import libvirt_webrtc, libvirt_webrtc.hook.__main__; print(libvirt_webrtc.__file__)"
    try:
        done = run_bounded([python, "-I", "-B", "-c", code], PROBE_S, folder="/")
    except OSError as error:
        raise ConfigError(f"the hook cannot run {python}: {error}") from error
    if done.status is None:
        raise ConfigError(f"the hook cannot run {python}: it does not end in {PROBE_S:g} s")
    if done.status != 0:
        raise ConfigError(
            f"the hook cannot run with {python} ({done.last_error or 'no reason given'}): install libvirt-webrtc into "
            "that Python's environment, a checkout by 'pip install --editable .'"
        )
    return Path(os.fsdecode(done.output.strip())).parent


def render(hook: Hook) -> str:
    """The script with the lines of ``hook`` filled in. Raises ConfigError for a path that a line cannot hold."""
    return filled_script(
        {
            "python=''": [str(hook.python)],
            "policy=''": [str(hook.policy)],
            "# made:": [str(each) for each in hook.made],
            "# known to:": hook.known_to.split(),
        }
    )


def _write(hook: Hook) -> None:
    """Write the hook, whole or not at all. It is not executable in qemu.d before it is whole: libvirt would run it."""
    parent = hook.path.parent.parent
    fd, name = tempfile.mkstemp(prefix=f".{SCRIPT}-", dir=parent)
    try:
        with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(render(hook))
            os.fchmod(file.fileno(), 0o755)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, hook.path)
    except (OSError, ConfigError):
        with suppress(OSError):
            os.unlink(name)
        raise


def _has_other_hooks(folder: Path, daemon: Daemon) -> bool:
    """Whether the daemon found another hook when it started. Only then does it look into qemu.d at every operation
    [libvirt 11.3]."""
    others = [each for each in (folder / "qemu", *(folder / "qemu.d").glob("*")) if each != _path(folder)]
    return any(
        each.is_file() and os.access(each, os.X_OK) and each.stat().st_ctime < daemon.started_s
        for each in others
    )


def _path(folder: Path) -> Path:
    return folder / "qemu.d" / SCRIPT


def _missing(folder: Path) -> list[Path]:
    """``folder`` and those of its parents that do not exist, the outermost first."""
    absent = [each for each in (folder, *folder.parents) if not each.exists()]
    return absent[::-1]


def _value(lines: list[str], prefix: str) -> list[str]:
    """The words of the first line that begins with ``prefix``; none where there is no such line."""
    for line in lines:
        if line.startswith(prefix):
            with suppress(ValueError):
                return shlex.split(line.removeprefix(prefix))
    return []


def _started_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[19])  # proc(5): starttime, since boot
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    return int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
