"""Check an installed hook: run it with every operation of libvirt's, as libvirt does, on sample XML."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from libvirt_webrtc.concurrency.processes import Finished, run_bounded
from libvirt_webrtc.domains.definition.policy import AutoEnable, Policy
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.filter import filtered
from libvirt_webrtc.hook.install import Hook, find_hook, is_known, probe_interpreter, render, running_daemons
from libvirt_webrtc.hook.policy_file import read_policy

OPERATIONS = (
    ("prepare", "begin"),
    ("start", "begin"),
    ("started", "begin"),
    ("stopped", "end"),
    ("release", "end"),
    ("reconnect", "begin"),
    ("attach", "begin"),
    ("migrate", "begin"),
    ("restore", "begin"),
)
"""The operations that libvirt runs hooks for domains with, each with its sub-operation (src/util/virhook.c)."""

FILTERS = frozenset({"migrate", "restore"})
"""The operations whose output libvirt takes as the domain's XML."""

RUN_S = 20.0
"""Limit for one run. The hook bounds itself to 2 s."""

PLAIN = """\
<domain type='qemu'>
  <name>libvirt-webrtc-check</name>
  <uuid>5f3b0d0c-2f0b-4a52-9d5e-0d5f8f1f6c11</uuid>
  <memory unit='KiB'>32768</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
  </os>
  <devices>
    <graphics type='vnc' port='-1'/>
    <video>
      <model type='vga'/>
    </video>
  </devices>
</domain>
"""
"""A guest without a D-Bus display: the policy decides whether it gets one."""

DEAD_BUS = PLAIN.replace(
    "type='vnc' port='-1'", "type='dbus' address='unix:path=/run/libvirt/qemu/dbus/1-check-dbus.sock'"
)
"""A guest with a dead bus address, which is removed under every policy."""


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class HookFinding:
    """One thing that was found out about the hook, in a sentence."""

    level: Level
    text: str


def check_hook(folder: Path) -> Iterator[HookFinding]:
    """Check the hook in ``folder``; yields each finding as soon as it is known. Takes some seconds at most."""
    try:
        hook = find_hook(folder)
    except ConfigError as error:
        yield HookFinding(Level.PROBLEM, str(error))
        return
    if hook is None:
        yield HookFinding(Level.PROBLEM, f"no hook in {folder}: 'libvirt-webrtc install-hook' puts it there")
        return
    yield from _check_file(hook)
    try:
        package = probe_interpreter(hook.python)
    except ConfigError as error:
        yield HookFinding(Level.PROBLEM, str(error))
    else:
        yield HookFinding(Level.OK, f"{hook.python} has libvirt-webrtc in {package}")
        for path in writable_by_others(hook.path, hook.python, hook.python.resolve(), package):
            yield HookFinding(
                Level.WARNING,
                f"{path} can be changed by others than root, who would be root at the next restore: the hook "
                "is better run from an environment that belongs to root",
            )
    policy = Policy()
    try:
        policy = read_policy(hook.policy)
    except ConfigError as error:
        yield HookFinding(
            Level.WARNING, f"{error}; 'libvirt-webrtc serve' writes it. Until then nothing is added"
        )
    else:
        yield HookFinding(Level.OK, f"{hook.policy} says auto_enable={policy.auto_enable}")
    yield from _check_daemons(hook)
    for operation, step in OPERATIONS:
        yield _check_operation(hook, policy, operation, step)


def run_hook(hook: Hook, operation: str, step: str, xml: str) -> Finished:
    """Run it as libvirt does, which waits for the end of its output; at most RUN_S.

    Raises ConfigError where it cannot be started.
    """
    try:
        return run_bounded(
            [hook.path, "libvirt-webrtc-check", operation, step, "-"],
            RUN_S,
            given=xml.encode(),
            to_the_end=True,
        )
    except OSError as error:
        raise ConfigError(f"cannot run {hook.path}: {error}") from error


def writable_by_others(*paths: Path) -> list[Path]:
    """The ``paths``, and the folders above them, that users other than root can write or replace."""
    found: dict[Path, None] = {}
    for path in paths:
        for each in (path, *path.parents):
            status = each.stat()
            shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
            if status.st_uid != 0 or shared:
                found[each] = None
    return list(found)


def _check_file(hook: Hook) -> Iterator[HookFinding]:
    if not os.access(hook.path, os.X_OK):
        yield HookFinding(
            Level.PROBLEM, f"{hook.path} is not executable: libvirt passes over it; chmod 755 it"
        )
    elif hook.path.read_text(encoding="utf-8", errors="surrogateescape") != render(hook):
        yield HookFinding(
            Level.WARNING, f"{hook.path} is of another version: 'libvirt-webrtc install-hook' updates it"
        )
    else:
        yield HookFinding(Level.OK, f"{hook.path} is in place")


def _check_daemons(hook: Hook) -> Iterator[HookFinding]:
    for daemon in running_daemons():
        if is_known(hook, daemon):
            yield HookFinding(Level.OK, f"{daemon.name} has looked for hooks since it is there")
        else:
            yield HookFinding(
                Level.WARNING,
                f"{daemon.name} runs since before the hook was there, and may not know it: "
                "'libvirt-webrtc install-hook --reload'",
            )


def _check_operation(hook: Hook, policy: Policy, operation: str, step: str) -> HookFinding:
    samples = (DEAD_BUS, PLAIN) if operation in FILTERS else (PLAIN,)
    took_s = 0.0
    for sample in samples:
        expected = (filtered(sample.encode(), policy) or b"") if operation in FILTERS else b""
        try:
            run = run_hook(hook, operation, step, sample)
        except ConfigError as error:
            return HookFinding(Level.PROBLEM, str(error))
        took_s = max(took_s, run.took_s)
        if run.status is None:
            return HookFinding(Level.PROBLEM, f"{operation}: does not end; libvirt would wait for ever")
        if run.status != 0:
            return HookFinding(Level.PROBLEM, f"{operation}: ends with status {run.status}; it must be 0")
        if run.output.strip() != expected.strip():
            what = "leaves the domain as it is" if not run.output else "prints something else"
            return HookFinding(Level.PROBLEM, f"{operation}: {what}, {_expected(expected)}")
    took = f"{took_s * 1000:.0f} ms"
    if operation not in FILTERS:
        return HookFinding(Level.OK, f"{operation}: leaves the domain as it is, {took}")
    if policy.auto_enable is AutoEnable.NONE:
        return HookFinding(Level.OK, f"{operation}: works, and adds no console (auto_enable=none), {took}")
    if policy.auto_enable is AutoEnable.TAGGED:
        return HookFinding(
            Level.OK, f"{operation}: adds a console where a domain's settings ask for it, {took}"
        )
    return HookFinding(Level.OK, f"{operation}: adds a console, {took}")


def _expected(expected: bytes) -> str:
    if not expected:
        return "where nothing was to be printed"
    return "where it was to be changed: are timeout and sha256sum in /usr/bin, and is there a free second?"
