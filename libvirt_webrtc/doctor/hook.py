"""Checks libvirt's hook: whether it is installed, and answers every operation as it must."""

from collections.abc import Iterator
from pathlib import Path

from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.check import Level, check_hook
from libvirt_webrtc.hook.install import find_hook

SUBJECT = "hook"
INSTALL = "sudo libvirt-webrtc install-hook"


def check_libvirt_hook(folder: Path, *, session: bool, root: bool) -> Iterator[Finding]:
    """Yield a finding for everything that is wrong with the installed hook; where nothing is, one that says so.

    Args:
        folder: libvirt's hooks folder.
        session: libvirt is a user's own, which runs no hooks.
        root: this process may run the hook to try it.
    """
    if session:
        yield ok(
            SUBJECT,
            "libvirt runs none for qemu:///session: a restored guest has the displays that it was saved with",
        )
        return
    try:
        hook = find_hook(folder)
    except ConfigError as error:
        if root:
            yield problem(SUBJECT, str(error), INSTALL)
        else:
            yield warning(
                SUBJECT, f"{folder} cannot be looked into by this user", "sudo libvirt-webrtc doctor"
            )
        return
    if hook is None:
        text = (
            "not installed: guests that are restored or migrate here keep the displays they were saved with"
        )
        yield warning(SUBJECT, text, INSTALL)
        return
    if not root:
        yield ok(SUBJECT, f"{hook.path} is there; root's doctor tries it as well")
        return
    findings = list(check_hook(folder))
    for each in findings:
        if each.level is not Level.OK:
            yield Finding(each.level, SUBJECT, each.text, "libvirt-webrtc install-hook --check tells more")
    if all(each.level is Level.OK for each in findings):
        yield ok(SUBJECT, f"{hook.path} answers every operation as it should")


def is_installed(folder: Path) -> bool | None:
    """Whether our hook is in ``folder``; None where this user cannot look."""
    try:
        return find_hook(folder) is not None
    except ConfigError:
        return None
