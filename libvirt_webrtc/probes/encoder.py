"""Which formats the hardware of this host encodes."""

import asyncio
import glob
import logging

from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.probes.trial import run_trial, trial_command, why_failed

log = logging.getLogger(__name__)

DEVICES = {
    "h264_nvenc": ("/dev/nvidia[0-9]*", "/dev/dxg"),
    "h264_qsv": ("/dev/dri/renderD*",),
    "h264_amf": ("/dev/dri/renderD*",),
    "h264_v4l2m2m": ("/dev/video*",),
}
"""The encoders to try, the best first. Each needs one device file that matches one of its patterns."""


async def find_hardware() -> tuple[tuple[VideoFormat, str], ...]:
    """Each format that hardware encodes well here, with its encoder as FFmpeg names it.

    All encoders are tried at the same time, each in a process; it takes as long as :func:`probe`, and may be cancelled.
    """
    names = [name for name, patterns in DEVICES.items() if any(map(glob.glob, patterns))]
    found: dict[VideoFormat, str] = {}
    for name, formats in zip(names, await asyncio.gather(*map(probe, names)), strict=True):
        for format_ in formats:
            found.setdefault(format_, name)
    made = ", ".join(f"{format_} by {name}" for format_, name in found.items())
    log.info("hardware encodes %s", made or "nothing here: it is left to software")
    return tuple(found.items())


async def probe(name: str, *command: str) -> list[VideoFormat]:
    """The formats for which one encoder passes its test; none where the test crashes or hangs.

    Takes 21 s at the most, and may be cancelled; the test's process is killed then.

    Args:
        name: the encoder, as FFmpeg names it.
        command: runs in the place of the test.
    """
    done = await run_trial(*(command or (*trial_command("media.encode.hardware_check"), name)))
    if done.status != 0:
        log.warning("%s is not used: %s", name, why_failed(done))
        return []
    usable = []
    for line in done.output.decode(errors="replace").splitlines():
        match line.split(maxsplit=2):
            case ["usable", text] if text in set(VideoFormat):
                usable.append(VideoFormat(text))
            case ["unusable", text, reason]:
                log.info("%s is not used for %s: %s", name, text, reason)
    return usable
