"""Checks of OpenGL displays: whether there is a GPU, QEMU can draw with it, and this program can read its pictures."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.doctor.machine import SystemUser
from libvirt_webrtc.probes.render import DRI, Trial, render_nodes, try_node, try_reading

PACKAGES = "libegl1 libgles2 libgbm1 libgl1-mesa-dri libgl1 libopengl0"
"""The Debian packages of the libraries that QEMU and this program load for OpenGL."""


def check_graphics(user: SystemUser, gl: str, device: str, folder: Path = DRI) -> Iterator[Finding]:
    """Yield findings on every render node, and on reading. Blocking, 20 s for each driver that hangs.

    Args:
        gl: the setting ``gl``.
        device: the setting ``gl_device``.
        folder: where the render nodes are.
    """
    node = check_render_node(user, gl, folder)
    yield node
    nodes = [path for path in render_nodes(folder) if os.access(path, os.R_OK | os.W_OK)]
    for path in nodes:
        yield check_drawing(path, gl, asyncio.run(try_node(path)))
    if gl == "on" or (gl == "auto" and nodes):
        yield check_reading(gl, asyncio.run(try_reading(device)))


def check_render_node(user: SystemUser, gl: str, folder: Path = DRI) -> Finding:
    """Find out whether there is a render node that this user can open; OpenGL displays need one."""
    subject = "render node"
    nodes = render_nodes(folder)
    if not nodes:
        if gl == "on":
            return problem(
                subject,
                f"there is none in {folder}, and gl is 'on': guests with an OpenGL display do not start",
                'set gl = "auto" or "off", or give the machine a GPU with its driver',
            )
        return ok(subject, f"there is none in {folder}; displays without OpenGL need none")
    usable = [node for node in nodes if os.access(node, os.R_OK | os.W_OK)]
    if usable:
        return ok(subject, f"{usable[0]} can be opened")
    remedy = f"sudo usermod --append --groups render {user.name}, and log in anew"
    text = f"{nodes[0]} cannot be opened by {user.name}"
    if gl == "on":
        return problem(subject, f"{text}, and gl is 'on'", remedy)
    return warning(subject, f"{text}; displays without OpenGL do not need it", remedy)


def check_drawing(node: Path, gl: str, trial: Trial) -> Finding:
    """Tell whether QEMU can draw with a render node."""
    subject, text = "OpenGL in QEMU", f"{node}: {trial.found}"
    if trial.passed:
        return ok(subject, text)
    if gl == "on":
        return warning(
            subject, f"{text}; guests with an OpenGL display may not start, or are slow", 'set gl = "auto"'
        )
    return ok(subject, f"{text}; displays do without OpenGL")


def check_reading(gl: str, trial: Trial) -> Finding:
    """Tell whether this program can read the pictures of OpenGL displays."""
    subject = "OpenGL here"
    if trial.passed:
        return ok(subject, f"OpenGL displays are read by {trial.found}")
    make = problem if gl == "on" else warning
    return make(subject, f"OpenGL displays cannot be read: {trial.found}", f"install {PACKAGES}")
