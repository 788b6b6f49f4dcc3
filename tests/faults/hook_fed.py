"""libvirt's hook is fed what it should not be, and has a broken Python."""

import asyncio
import subprocess
import time
from pathlib import Path

from libvirt_webrtc.hook.check import PLAIN
from tests.faults.scenario import Measured
from tests.faults.scene import Scene, progress
from tests.support.guests import Guest
from tests.support.hook_faults import PYTHON_FAULTS, SURROUNDINGS, InstalledHook
from tests.support.libvirtd import virsh

INPUTS = {
    "empty": b"",
    "truncated": PLAIN.encode()[:300],
    "huge": PLAIN.encode().replace(b"</name>", b"</name><!--" + b"x" * 4_000_000 + b"-->", 1),
    "hostile": b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><domain>&b;</domain>',
    "no XML": bytes(range(256)) * 100,
}
QUICK_FAULTS = ("missing", "hanging", "half")
ENDS_S = 60.0


async def run(scene: Scene) -> list[Measured]:
    folder = scene.folder / "hook"
    folder.mkdir()
    with InstalledHook(folder) as hook:
        return await asyncio.to_thread(_feed, scene, hook)


def _feed(scene: Scene, hook: InstalledHook) -> list[Measured]:
    failed = broken = 0
    slowest = 0.0
    faults = (*PYTHON_FAULTS, *SURROUNDINGS) if scene.long else QUICK_FAULTS
    for fault in (None, *faults):
        for name, given in {"plain": PLAIN.encode(), **INPUTS}.items():
            if fault is None:
                status, output, took = _call(hook.script, given)
            else:
                with hook.damaged(fault):
                    status, output, took = _call(hook.script, given)
            failed += status != 0
            broken += bool(output) and not output.rstrip().endswith(b"</domain>")
            slowest = max(slowest, took)
            progress(f"{fault or 'no fault'}, {name}: {status}, {len(output)} bytes, {took:.2f} s")
    lost = _restore(scene, hook, faults)
    return [
        Measured("calls that did not end with 0", failed, 0, "calls"),
        Measured("calls whose output was neither empty nor whole", broken, 0, "calls"),
        Measured("longest call", slowest, 2.0),
        Measured("guests lost in starts and restores with each fault", lost, 0, "guests"),
    ]


def _call(script: Path, given: bytes) -> tuple[int, bytes, float]:
    began = time.monotonic()
    done = subprocess.run(
        [script, "a guest", "restore", "begin", "-"], input=given, capture_output=True, timeout=ENDS_S
    )
    return done.returncode, done.stdout, time.monotonic() - began


def _restore(scene: Scene, hook: InstalledHook, faults: tuple[str, ...]) -> int:
    guest, image, lost = scene.make_guest(display=False), str(scene.folder / "image"), 0
    for fault in faults:
        virsh("save", guest.uuid, image)
        with hook.damaged(fault):
            virsh("restore", image)
        lost += not _runs(guest)
        guest.destroy()
        with hook.damaged(fault):
            guest.start()
        lost += not _runs(guest)
    return lost


def _runs(guest: Guest) -> bool:
    return virsh("domstate", guest.uuid) == "running"
