"""Whether OpenGL displays are worth it on this host.

Every function here tries drivers in processes of their own, and returns 21 s after it was called at the latest
(:data:`libvirt_webrtc.probes.trial.TIMEOUT_S` and the time to kill them), also where a driver hangs. Each may be
cancelled; the processes are killed then.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from libvirt_webrtc.display.gl.renderer import is_software
from libvirt_webrtc.probes.trial import run_trial, trial_command, why_failed

log = logging.getLogger(__name__)

DRI = Path("/dev/dri")


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying a driver."""

    passed: bool
    found: str
    """Its name, or what is wrong."""


def render_nodes(folder: Path = DRI) -> list[Path]:
    """The device files by which programs draw with this host's GPUs."""
    return sorted(folder.glob("renderD*"))


async def look_for_renderer(gl: str) -> bool | None:
    """:func:`can_render`, for the setting ``gl``: with "off" no driver is asked, and the answer is None."""
    return None if gl == "off" else await can_render()


async def can_render(folder: Path = DRI, *command: str) -> bool:
    """Whether there are render nodes, and each passes :func:`try_node`; they are tried at the same time.

    Each must pass, because libvirt chooses one of them: a guest whose QEMU gets one that it cannot draw with does not
    start.

    Args:
        command: see :func:`try_node`.
    """
    nodes = render_nodes(folder)
    trials = await asyncio.gather(*(try_node(node, *command) for node in nodes))
    for node, trial in zip(nodes, trials, strict=True):
        if not trial.passed:
            log.info("displays are without OpenGL, because of %s: %s", node, trial.found)
    return bool(trials) and all(trial.passed for trial in trials)


async def try_node(node: Path, *command: str) -> Trial:
    """Do what QEMU does at its start with gl=on.

    A node behind which the processor draws (that of a virtual machine, or vgem) does not pass: it is slower than a
    display without OpenGL.

    Args:
        command: runs in the place of the trial. It prints the renderer's name and ends with 0; or it ends with another
            status, and the last line that it wrote to standard error says what is wrong.
    """
    trial = await _try(*(command or trial_command("display.gl.render_trial")), str(node))
    return Trial(trial.passed and not is_software(trial.found), trial.found)


async def try_reading(device: str, *command: str) -> Trial:
    """Do what a worker does at the first picture with gl=on; ``device`` is the setting ``gl_device``."""
    return await _try(*(command or trial_command("display.gl.read_trial")), device)


async def _try(*command: str) -> Trial:
    done = await run_trial(*command)
    if done.status == 0:
        return Trial(True, done.output.decode(errors="replace").strip())
    return Trial(False, why_failed(done))
