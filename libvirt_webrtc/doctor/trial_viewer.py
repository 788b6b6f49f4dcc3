"""A viewer that looks at one picture and leaves: the browser's part, by aiortc, in this process."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from libvirt_webrtc.doctor.portal_client import PortalClient, PortalRefused
from libvirt_webrtc.media.aiortc_ext.ways import Way, ways

PICTURE_S = 10.0
"""As long as a page waits for its connection."""


@dataclass(frozen=True, slots=True)
class Viewing:
    """What came of looking."""

    size: tuple[int, int] | None
    """Of the picture, in pixels; None where none came."""
    took_s: float
    """From the offer's sending to the picture, or to the end of patience."""
    ways: tuple[Way, ...]
    """That which was taken first, if any."""
    has_relay: bool
    """Whether a TURN server gave this side an address."""


async def watch_once(
    portal: PortalClient,
    uuid: str,
    servers: Sequence[dict[str, Any]] = (),
    *,
    relay_only: bool = False,
    direct_only: bool = False,
) -> Viewing:
    """Open a domain's first console, and wait for its picture, for PICTURE_S at most.

    Args:
        servers: STUN and TURN servers, in the form that browsers take.
        relay_only: whether only relays of this side are used.
        direct_only: whether no relay of the other side is used. Without servers there is none of this side.

    Raises:
        PortalRefused: the offer was not answered.
    """
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    connection = RTCPeerConnection(RTCConfiguration([RTCIceServer(**one) for one in servers], policy))
    viewer: str | None = None
    try:
        receiver = connection.addTransceiver("video", "recvonly").receiver
        await connection.setLocalDescription(await connection.createOffer())
        has_relay = " typ relay" in connection.localDescription.sdp
        began = time.monotonic()
        offer = connection.localDescription.sdp
        if direct_only:
            # A relay of the other side would find this one.
            offer = _without(offer, "a=candidate:")
        answer, viewer = await portal.offer(uuid, offer)
        if direct_only:
            answer = _without(answer, " typ relay")
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        size = None
        with suppress(TimeoutError, MediaStreamError):
            async with asyncio.timeout(PICTURE_S):
                frame = await receiver.track.recv()
                assert isinstance(frame, VideoFrame)
                size = (frame.width, frame.height)
        return Viewing(size, time.monotonic() - began, tuple(ways(connection)), has_relay)
    finally:
        await connection.close()
        if viewer is not None:
            with suppress(PortalRefused):
                await portal.leave(uuid, viewer)


def _without(sdp: str, text: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if text not in line)
