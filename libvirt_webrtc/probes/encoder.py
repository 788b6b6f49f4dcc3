"""Which formats this machine's hardware encodes, found out in processes that end."""

import asyncio
import glob
import logging
import sys

from libvirt_webrtc.media.formats import VideoFormat

log = logging.getLogger(__name__)

TIMEOUT_S = 20.0
"""For starting Python, a driver and a few pictures; more than enough unless the driver hangs."""
GONE_S = 1.0
"""A killed process that is not gone by then is stuck in a driver, and left behind."""

DEVICES = {
    "h264_nvenc": ("/dev/nvidia[0-9]*", "/dev/dxg"),
    "h264_qsv": ("/dev/dri/renderD*",),
    "h264_amf": ("/dev/dri/renderD*",),
    "h264_v4l2m2m": ("/dev/video*",),
}
"""The encoders to try, the best first, each with patterns of device files of which it needs one."""


async def find_hardware() -> tuple[tuple[VideoFormat, str], ...]:
    """Each format that hardware makes well here, with its encoder as FFmpeg names it."""
    names = [name for name, patterns in DEVICES.items() if any(map(glob.glob, patterns))]
    found: dict[VideoFormat, str] = {}
    for name, formats in zip(names, await asyncio.gather(*map(probe, names)), strict=True):
        for format_ in formats:
            found.setdefault(format_, name)
    made = ", ".join(f"{format_} by {name}" for format_, name in found.items())
    log.info("hardware encodes %s", made or "nothing here: it is left to software")
    return tuple(found.items())


async def probe(name: str, *command: str) -> list[VideoFormat]:
    """What one encoder passes its test for; none where the test crashes or hangs.

    Args:
        command: in the place of the test.
    """
    command = command or (sys.executable, "-m", "libvirt_webrtc.media.encode.hardware_check", name)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        log.warning("the test of %s hangs", name)
        return []
    finally:
        await _end(process)
    if process.returncode != 0:
        log.warning("the test of %s crashed (status %s)", name, process.returncode)
        return []
    usable = []
    for line in output.decode(errors="replace").splitlines():
        match line.split(maxsplit=2):
            case ["usable", text] if text in set(VideoFormat):
                usable.append(VideoFormat(text))
            case ["unusable", text, reason]:
                log.info("%s is not used for %s: %s", name, text, reason)
    return usable


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.kill()
    try:
        async with asyncio.timeout(GONE_S):
            await process.wait()
    except TimeoutError:
        log.warning("process %s is stuck in a driver", process.pid)
