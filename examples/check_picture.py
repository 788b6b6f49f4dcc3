"""Receives demo guests' consoles as any WHEP player would, and compares what comes with the known picture.

Ends with status 0 and one line when every guest showed its own picture, with its own nonce in it. From the
checkout: ``python -m examples.check_picture http://127.0.0.1:8080 --token-file FILE UUID=NONCE``. Without a UUID, the
nonce is that of the only domain.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from examples.guests.comparison import Comparison, compare

DEADLINE_S = 120.0
"""The limit for one guest from its start to its picture, in seconds: emulated on a loaded machine it boots for a
while."""
RETRY_S = 0.5


class CheckFailed(Exception):
    """The picture did not come, or is another one."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A domain, and what only its picture shows."""

    uuid: str | None
    """The domain's name; None for the only domain there is."""
    nonce: int

    @classmethod
    def parse(cls, text: str) -> "Expectation":
        uuid, _, nonce = text.rpartition("=")
        return cls(uuid or None, int(nonce, 16))


async def find_console(http: aiohttp.ClientSession, uuid: str | None) -> dict[str, Any]:
    """Wait until the console can be opened, and return the domain as listed."""
    while True:
        async with http.get("/api/domains") as response:
            response.raise_for_status()
            domains = (await response.json())["domains"]
        found = (each for each in domains if uuid in (None, each["uuid"]))
        domain: dict[str, Any] | None = next(found, None)
        if domain is None:
            raise CheckFailed(f"the portal lists no domain {uuid}")
        if domain["console"]["state"] == "ready":
            return domain
        await asyncio.sleep(RETRY_S)


async def open_console(http: aiohttp.ClientSession, peer: RTCPeerConnection, uuid: str) -> str:
    """Offer to receive video, take the answer, and return the session's location."""
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    while True:
        async with http.post(
            f"/api/domains/{uuid}/consoles/0/whep",
            data=peer.localDescription.sdp,
            headers={"Content-Type": "application/sdp"},
        ) as response:
            answer = await response.text()
            if response.status == 201:
                await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
                return response.headers["Location"]
            if response.status != 503:
                raise CheckFailed(f"the offer was refused: {response.status} {answer}")
        await asyncio.sleep(RETRY_S)


async def receive(track: MediaStreamTrack, nonce: int) -> VideoFrame:
    """Return the first frame that is the guest's picture."""
    last: Comparison | None = None
    try:
        while True:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            last = compare(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False), nonce)
            if last.ok:
                return frame
    except MediaStreamError as error:
        raise CheckFailed(f"the video ended; last frame: {last}") from error
    except asyncio.CancelledError:
        print(f"last frame: {last}", file=sys.stderr)
        raise


async def check(http: aiohttp.ClientSession, expectation: Expectation) -> str:
    """Say what was seen."""
    domain = await find_console(http, expectation.uuid)
    peer = RTCPeerConnection()
    tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    peer.on("track", tracks.put_nowait)
    try:
        location = await open_console(http, peer, domain["uuid"])
        frame = await receive(await tracks.get(), expectation.nonce)
        async with http.delete(location) as response:
            response.raise_for_status()
    finally:
        await peer.close()
    return f"{domain['name']} ({frame.width}x{frame.height}, nonce {expectation.nonce:08x})"


async def check_all(url: str, token: str, expectations: list[Expectation]) -> None:
    seen = []
    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {token}"}) as http:
        for expectation in expectations:
            async with asyncio.timeout(DEADLINE_S):
                seen.append(await check(http, expectation))
    print(f"OK: received over WebRTC, and every picture is the one expected: {', '.join(seen)}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="check_picture", description=__doc__)
    parser.add_argument("url", help="the portal, such as http://127.0.0.1:8080")
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("expected", nargs="+", type=Expectation.parse, metavar="[UUID=]NONCE")
    arguments = parser.parse_args()
    token = arguments.token_file.read_text(encoding="ascii").strip()
    try:
        asyncio.run(check_all(arguments.url, token, arguments.expected))
    except TimeoutError:
        print(f"FAILED: no matching picture within {DEADLINE_S:g} s", file=sys.stderr)
    except (CheckFailed, aiohttp.ClientError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
