"""Tracks, read as a sender does."""

import asyncio
from contextlib import suppress

from aiortc.mediastreams import MediaStreamError

from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.encode.frame_scheduler import KEYFRAME_INTERVAL_S
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.track import ConsoleTrack


async def settled(video: ConsoleVideo, track: ConsoleTrack) -> list[RtpFrame]:
    """Read packets until none has come for much longer than settling takes."""
    packets = [await track.next_frame()]
    while True:
        try:
            async with asyncio.timeout(KEYFRAME_INTERVAL_S + 0.5):
                packets.append(await track.next_frame())
        except TimeoutError:
            return packets


async def read(track: ConsoleTrack) -> None:
    """As a sender does on a good path, until the track ends."""
    with suppress(MediaStreamError):  # how a track tells its end
        while True:
            await track.next_frame()
