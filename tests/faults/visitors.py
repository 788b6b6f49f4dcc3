"""Viewers as a program of their own, which a scenario may kill: ``python -m tests.faults.visitors``.

It connects as many as it is told, says ``"ready"`` when each has a picture, and closes them when a line comes. With
``hold`` the first one holds the key A down from then on. Each pings as the page does.
"""

import argparse
import asyncio
import json
import sys
from contextlib import AsyncExitStack

import aiohttp

from tests.bench.bare import PingingClient
from tests.media.helpers import until

KEY_A_DOWN = b"\x01\x01KeyA"


async def _connect(stack: AsyncExitStack, http: aiohttp.ClientSession, path: str) -> PingingClient:
    viewer = await stack.enter_async_context(PingingClient())
    sdp = await viewer.offer()
    async with http.post(path, data=sdp, headers={"Content-Type": "application/sdp"}) as response:
        answer = await response.text()
        assert response.status == 201, answer
    await viewer.take(answer)
    await until(lambda: viewer.frames > 0 and viewer.channels["input"].readyState == "open")
    return viewer


async def _main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("url", "token", "uuid"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--hold", action="store_true")
    arguments = parser.parse_args()
    headers = {"Authorization": f"Bearer {arguments.token}"}
    path = f"/api/domains/{arguments.uuid}/consoles/0/whep"
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(arguments.url, headers=headers))
        viewers = [await _connect(stack, http, path) for _ in range(arguments.number)]
        if arguments.hold:
            viewers[0].channels["input"].send(KEY_A_DOWN)
        print(json.dumps("ready"), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(_main())
