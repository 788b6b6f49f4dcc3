"""A viewer that has a picture begun over a WebSocket, and leaves: a page where WebRTC does not get through."""

import asyncio
import json
import struct
import time
from dataclasses import dataclass

from aiohttp import ClientWebSocketResponse, WSMsgType

from libvirt_webrtc.doctor.portal_client import PortalClient, PortalRefused
from libvirt_webrtc.doctor.trial_viewer import PICTURE_S
from libvirt_webrtc.input.display_messages import ENDED
from libvirt_webrtc.input.stream_messages import FRAME, WELCOME, first_size, hello


@dataclass(frozen=True, slots=True)
class Streaming:
    """What came of looking."""

    size: tuple[int, int] | None
    """Of the picture, in pixels; None where none came."""
    took_s: float
    """From the request to the picture's first bytes, or to the end of patience."""
    why_not: str = ""
    """Where none came: a clause that says why."""


async def stream_once(portal: PortalClient, uuid: str) -> Streaming:
    """Open a domain's first console over a WebSocket, and wait until its picture begins, for PICTURE_S at most."""
    began = time.monotonic()
    size, why_not = None, ""
    try:
        async with asyncio.timeout(PICTURE_S), portal.stream(uuid) as websocket:
            size = await _first_size(websocket)
    except TimeoutError:
        why_not = f"nothing of a picture came in {PICTURE_S:.0f} s"
    except PortalRefused as error:
        why_not = str(error)
    return Streaming(size, time.monotonic() - began, why_not)


async def _first_size(websocket: ClientWebSocketResponse) -> tuple[int, int]:
    """Raises PortalRefused where it ends before a picture."""
    why = "it was closed before a picture came"
    try:
        async for message in websocket:
            if message.type is not WSMsgType.BINARY:
                break
            # The first byte is the console's index.
            kind, body = message.data[1], message.data[2:]
            if kind == WELCOME:
                await websocket.send_bytes(b"\x00" + hello(json.loads(body)["formats"]))
            elif kind == ENDED:
                why = body.decode(errors="replace")
            elif kind == FRAME:
                return first_size(body)
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise PortalRefused("what comes is none of the protocol's messages") from error
    raise PortalRefused(why)
