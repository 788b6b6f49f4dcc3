"""A viewer for the far end of a path, as a program that talks in lines of JSON.

It says ``"ready"``; on a line of input it offers (``{"sdp": ...}``), and takes the answer. Then it tells each picture:
``{"at": seconds, "height": pixels}``. It ends with its standard input.
"""

import asyncio
import json
import sys
import time

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame


def _tell(message: object) -> None:
    print(json.dumps(message), flush=True)


async def _read(track: MediaStreamTrack) -> None:
    try:
        while True:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            _tell({"at": time.monotonic(), "height": frame.height})
    except MediaStreamError:
        pass  # the path or the server has ended it: what was told so far counts


async def _main() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = connection.addTransceiver("video", "recvonly").receiver
    loop = asyncio.get_running_loop()
    _tell("ready")
    # It has an address once the path is there.
    await loop.run_in_executor(None, sys.stdin.readline)
    await connection.setLocalDescription(await connection.createOffer())
    _tell({"sdp": connection.localDescription.sdp})
    answer = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    reading = asyncio.create_task(_read(receiver.track))
    await loop.run_in_executor(None, sys.stdin.readline)
    await connection.close()
    await reading


if __name__ == "__main__":
    asyncio.run(_main())
