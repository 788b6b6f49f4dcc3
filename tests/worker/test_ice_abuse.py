"""ICE abuse: what a viewer's offer cannot have this host do, and what this host does not tell (docs/security.md)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.errors import NegotiationError
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.support.udp_ports import udp_ports
from tests.worker.viewer_client import ViewerClient

NAMED = "127.0.0.9"
PORTS = PortRange(51200, 51203)


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    """A real one, whose operator names one address and four ports."""
    settings = WorkerSettings(
        domain_name="demo",
        downsample=False,
        offer_loopback=False,
        log_level=30,
        ice_ports=PORTS,
        ice_addresses=(NAMED,),
    )
    async with Qemu("-S", "-device", "VGA") as qemu:
        started = await WorkerProcess.start(settings)
        await started.use_display((await qemu.open_display()).detach())
        await until(lambda: bool(started.consoles))
        yield started
        await started.close()


async def test_only_the_named_addresses_and_ports_are_offered_and_open(worker: WorkerProcess) -> None:
    async with ViewerClient() as client:
        answer = await soon(worker.offer("viewer", 0, await client.offer(), ADMIN))
        lines = [line.split() for line in answer.splitlines() if line.startswith("a=candidate:")]
        # Each section of the answer has them.
        ((address, port),) = {(line[4], int(line[5])) for line in lines}
        assert address == NAMED and PORTS.first <= port <= PORTS.last
        assert udp_ports(worker.pid) == [port]
        await client.take(answer)
        await until(lambda: client.frames > 0)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (
            [f"a=candidate:1 1 udp 1 198.51.100.{n} 40000 typ host" for n in range(65)],
            "more than 64 candidates",
        ),
        (["m=video 9 UDP/TLS/RTP/SAVPF 96"] * 6, "more than 6 media sections"),
    ],
)
async def test_an_offer_that_asks_for_too_much_is_refused_and_opens_no_port(
    worker: WorkerProcess, lines: list[str], why: str
) -> None:
    async with ViewerClient() as client:
        offer = await client.offer() + "".join(f"{line}\r\n" for line in lines)
        with pytest.raises(NegotiationError, match=why):
            await soon(worker.offer("viewer", 0, offer, ADMIN))
    assert udp_ports(worker.pid) == []


async def test_viewers_that_never_connect_give_their_ports_back(worker: WorkerProcess) -> None:
    """Else four offers would keep everybody out: an offer that is taken back frees its port at once."""
    async with ViewerClient() as client:
        offer = await client.offer()
        for number in range(len(PORTS)):
            await soon(worker.offer(f"viewer {number}", 0, offer, ADMIN))
        with pytest.raises(NegotiationError, match="are taken at"):
            await soon(worker.offer("one more", 0, offer, ADMIN))
        await asyncio.gather(*(worker.close_viewer(f"viewer {number}") for number in range(len(PORTS))))
        await soon(worker.offer("the next", 0, offer, ADMIN))
