"""Our hook in the private libvirt, in surroundings that can be damaged.

::

    with InstalledHook(folder, libvirtd.pid) as hook:
        hook.set_policy("all")
        for fault in PYTHON_FAULTS:
            with hook.damaged(fault):
                virsh("restore", path)          # must come back
"""

import os
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.hook.install import (
    HOOKS_FOLDER,
    install_hook,
    running_daemons,
    tell_daemon,
    uninstall_hook,
)
from libvirt_webrtc.hook.policy_file import FILE_NAME, write_policy
from tests.support.libvirtd import in_private_world
from tests.support.stuck import kill_and_wait

CHECKOUT = Path(__file__).parents[2]

PYTHON_FAULTS = {
    "missing": None,
    "not-a-program": "\x7fELF nothing that could run",
    "hanging": "exec sleep 1000",
    "leaving-a-child": "sleep 90 & echo $! >'@PYTHON@.left'",
    "leaving-a-child-far-away": "setsid sleep 90 & echo $! >'@PYTHON@.left'",
    "hanging-behind-half": '"@PYTHON@" "$@" | head -c 300; exec sleep 1000',
    "ignoring-signals": "trap '' TERM INT HUP; while :; do sleep 1000; done",
    "failing": "cat >/dev/null; echo '<domain/>'; exit 3",
    "crashing": "kill -SEGV $$",
    "garbage": "exec head -c 300000 /dev/urandom",
    "endless": "exec cat /dev/zero",
    "half": '"@PYTHON@" "$@" | head -c 300',
    "all-but-one-byte": '"@PYTHON@" "$@" | head -c -1',
    "unsealed": "exec cat",
    "other-xml": "echo '<domain><name>another</name></domain>'",
    "read-only-input": "exec 0</dev/null; echo",
}
"""The faults by name, each with the shell script that takes the interpreter's place; None removes the interpreter."""

SURROUNDINGS = (
    "policy-missing",
    "policy-garbage",
    "policy-a-pipe",
    "policy-a-folder",
    "read-only",
    "full-disk",
)

SIZE = "1m"
"""The size of the file systems that a fault fills."""

PATIENT_S = 30
"""The hook's limit for Python, in seconds, where a test is about its answer: this machine may be busy."""


def make_environment(folder: Path) -> Path:
    """An environment in which ``python -I`` has this package, as an installed one has; its interpreter."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "checkout.pth").write_text(f"{CHECKOUT}\n{sysconfig.get_path('purelib')}\n")
    return folder / "bin" / "python"


class InstalledHook:
    """The hook as ``install-hook`` installs it, known to the running daemon, until :meth:`close`.

    Attributes:
        script: the installed file.
        python: the interpreter that it runs, in an environment of its own.
        policy: its policy file.
    """

    def __init__(self, folder: Path) -> None:
        assert in_private_world(), "never in the machine's own libvirt"
        self._stack = ExitStack()
        HOOKS_FOLDER.mkdir(exist_ok=True)
        self._disks = (folder, HOOKS_FOLDER)
        with ExitStack() as stack:
            for disk in self._disks:
                _mount(disk)
                stack.callback(_unmount, disk)
            self.python = make_environment(folder / "environment")
            self.policy = folder / "state" / FILE_NAME
            self.set_policy("all")
            hook = install_hook(HOOKS_FOLDER, self.python, self.policy)
            stack.callback(uninstall_hook, HOOKS_FOLDER)
            self.script = hook.path
            for daemon in running_daemons():
                hook = tell_daemon(hook, daemon)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the hook. Idempotent."""
        self._stack.close()

    def set_policy(self, auto_enable: str) -> None:
        """Write the policy file, as ``serve`` does."""
        write_policy(self.policy, Policy.of(auto_enable, "auto"))

    def set_python_limit(self, seconds: int) -> None:
        """Raise the hook's limit for Python, for tests of its answers: this machine may be very busy."""
        set_python_limit(self.script, seconds)

    @contextmanager
    def damaged(self, fault: str) -> Iterator[None]:
        """Cause one of PYTHON_FAULTS or SURROUNDINGS, until the block ends."""
        with python_fault(self.python, fault) if fault in PYTHON_FAULTS else self._surroundings(fault):
            yield

    @contextmanager
    def _surroundings(self, fault: str) -> Iterator[None]:
        before = self.policy.read_bytes()
        if fault in ("read-only", "full-disk"):
            for disk in self._disks:
                _mount_option(disk, "ro") if fault == "read-only" else _fill(disk)
        else:
            self.policy.unlink()
            if fault == "policy-garbage":
                self.policy.write_bytes(os.urandom(100_000))
            elif fault == "policy-a-pipe":
                os.mkfifo(self.policy)
            elif fault == "policy-a-folder":
                self.policy.mkdir()
            else:
                assert fault == "policy-missing", fault
        try:
            yield
        finally:
            for disk in self._disks:
                _mount_option(disk, "rw")
                (disk / "filling").unlink(missing_ok=True)
            if self.policy.is_dir():
                self.policy.rmdir()
            self.policy.unlink(missing_ok=True)
            self.policy.write_bytes(before)


@contextmanager
def python_fault(python: Path, fault: str) -> Iterator[None]:
    """Put one of PYTHON_FAULTS where ``python`` is; a symbolic link, as virtual environments have it."""
    script, link = PYTHON_FAULTS[fault], python.readlink()
    kept = python.with_name("kept-python")
    kept.symlink_to(link)
    python.unlink()
    if script is not None:
        if not script.startswith("\x7f"):
            script = "#!/bin/sh\n" + script.replace("@PYTHON@", str(kept)) + "\n"
        python.write_text(script)
        python.chmod(0o755)
    try:
        yield
    finally:
        python.unlink(missing_ok=True)
        python.symlink_to(link)
        kept.unlink()
        for left in python.parent.glob("*.left"):
            kill_and_wait(int(left.read_text()))
            left.unlink()


def set_python_limit(script: Path, seconds: int) -> None:
    """Change the limit for a rewrite in an installed script."""
    text = script.read_text()
    changed = text.replace("\nrewrite_limit_s=1.7 ", f"\nrewrite_limit_s={seconds} ")
    assert changed != text
    script.write_text(changed)


def _mount(disk: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0755,size={SIZE}", "faults", disk], check=True)


def _unmount(disk: Path) -> None:
    # Lazily: a hook that was killed may not be gone yet.
    subprocess.run(["umount", "--lazy", disk], check=True)


def _mount_option(disk: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", disk], check=True)


def _fill(disk: Path) -> None:
    with (disk / "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass  # full
