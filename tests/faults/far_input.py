"""A viewer's input at the far end of a path: ``python -m tests.faults.far_input``.

As tests/support/far_viewer.py it says ``"ready"``, offers on a line, and takes the answer. Then it pings ten times a
second, and after PINGS it tells how long each took there and back: ``[seconds, ...]``.
"""

import asyncio
import json
import struct
import sys
import time

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole

from libvirt_webrtc.input.display_messages import PONG
from libvirt_webrtc.input.messages import PING

PINGS, EVERY_S = 150, 0.1


def _tell(message: object) -> None:
    print(json.dumps(message), flush=True)


async def _main() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("video", "recvonly")
    channel, display = connection.createDataChannel("input"), connection.createDataChannel("display")
    sent: dict[int, float] = {}
    took: list[float] = []
    opened = asyncio.Event()
    channel.on("open", opened.set)

    def received(message: bytes) -> None:
        if message[0] == PONG:
            took.append(time.monotonic() - sent[struct.unpack(">xI", message)[0]])

    display.on("message", received)
    sink = MediaBlackhole()
    connection.on("track", sink.addTrack)
    loop = asyncio.get_running_loop()
    _tell("ready")
    await loop.run_in_executor(None, sys.stdin.readline)
    await connection.setLocalDescription(await connection.createOffer())
    _tell({"sdp": connection.localDescription.sdp})
    answer = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    await sink.start()
    await opened.wait()
    for number in range(PINGS):
        sent[number] = time.monotonic()
        channel.send(struct.pack(">BI", PING, number))
        await asyncio.sleep(EVERY_S)
    await asyncio.sleep(2)
    _tell(took)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(_main())
