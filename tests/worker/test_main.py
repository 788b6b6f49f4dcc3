"""A worker's own tasks, without a process around them."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from libvirt_webrtc.errors import (
    ConsoleStarting,
    GatheringError,
    LibvirtWebRTCError,
    MediaError,
    NegotiationError,
    NoConsole,
    TooManyViewers,
    WorkerError,
    WorkerGone,
)
from libvirt_webrtc.worker import ipc, main
from libvirt_webrtc.worker.channel import Channel
from libvirt_webrtc.worker.main import Worker
from libvirt_webrtc.worker.requests import refusal
from libvirt_webrtc.worker.shared_consoles import SharedConsoles
from tests.media.helpers import soon
from tests.support.grants import ADMIN
from tests.worker.guest import SETTINGS


@pytest.fixture
async def supervisor() -> AsyncIterator[tuple[Channel, Worker]]:
    """The supervisor's end of a worker's channel, and the worker."""
    ours, theirs = map(Channel, Channel.pair())
    worker = Worker(theirs, SETTINGS)
    yield ours, worker
    await worker.close()
    theirs.close()
    ours.close()


async def reply(channel: Channel) -> ipc.Message:
    """The next message that is no heartbeat."""
    while True:
        message, _ = await soon(channel.receive())
        if not isinstance(message, ipc.Beat):
            return message


async def test_a_defect_in_a_request_ends_the_worker_in_order(
    supervisor: tuple[Channel, Worker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By an exception and not by abort(): what viewers hold is lifted first."""

    async def fail(*_: object) -> str:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(SharedConsoles, "admit", fail)
    channel, worker = supervisor
    serving = asyncio.create_task(worker.serve())
    await channel.send(ipc.Offer(1, "viewer", 0, "v=0", ADMIN))
    with pytest.raises(ZeroDivisionError):
        await soon(serving)
    assert "answer failed unexpectedly" in caplog.text


@pytest.mark.parametrize("task", ["_beat", "_report"])
async def test_a_loop_that_ends_ends_the_worker(
    supervisor: tuple[Channel, Worker], monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    async def fail(_: Worker) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Worker, task, fail)
    with pytest.raises(ZeroDivisionError):
        await soon(supervisor[1].serve())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NegotiationError("why"), NegotiationError),
        (GatheringError("why"), GatheringError),
        (NoConsole("why"), NoConsole),
        (TooManyViewers("why"), TooManyViewers),
        (ConsoleStarting("why"), ConsoleStarting),
        (MediaError("why"), WorkerError),
    ],
)
async def test_why_an_offer_is_refused_reaches_the_supervisor(
    supervisor: tuple[Channel, Worker],
    monkeypatch: pytest.MonkeyPatch,
    error: LibvirtWebRTCError,
    told: type[LibvirtWebRTCError],
) -> None:
    async def refuse(*_: object) -> str:
        raise error

    monkeypatch.setattr(SharedConsoles, "admit", refuse)
    channel, worker = supervisor
    serving = asyncio.create_task(worker.serve())
    await channel.send(ipc.Offer(1, "viewer", 0, "v=0", ADMIN))
    refused = await reply(channel)
    assert isinstance(refused, ipc.Refused)
    assert type(refusal(refused)) is told and str(refusal(refused)) == "why"
    channel.close()
    with pytest.raises(WorkerGone):
        await soon(serving)


async def test_a_guest_that_changes_without_end_is_reported_at_a_bounded_rate(
    supervisor: tuple[Channel, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "REPORT_INTERVAL_S", 3600.0)
    channel, worker = supervisor
    monkeypatch.setattr(worker, "_display", SimpleNamespace(name="demo", close=lambda: None))
    serving = asyncio.create_task(worker.serve())
    worker._status_due.set()
    assert isinstance(await reply(channel), ipc.Status)
    worker._status_due.set()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reply(channel)
    channel.close()
    with pytest.raises(WorkerGone):
        await soon(serving)


async def test_an_answer_that_does_not_fit_is_a_refusal_and_ends_its_viewer(
    supervisor: tuple[Channel, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    dismissed: list[str] = []

    async def long(*_: object) -> str:
        return "x" * ipc.MAX_PACKET

    async def dismiss(_: SharedConsoles, name: str) -> bool:
        dismissed.append(name)
        return True

    monkeypatch.setattr(SharedConsoles, "admit", long)
    monkeypatch.setattr(SharedConsoles, "dismiss", dismiss)
    channel, worker = supervisor
    serving = asyncio.create_task(worker.serve())
    await channel.send(ipc.Offer(7, "viewer", 0, "v=0", ADMIN))
    refused = await reply(channel)
    assert isinstance(refused, ipc.Refused) and refused.request == 7 and "too large" in refused.message
    assert dismissed == ["viewer"] and not serving.done()
    channel.close()
    with pytest.raises(WorkerGone):
        await soon(serving)


async def test_errors_that_nobody_catches_are_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """They are aiortc's, in its own tasks and callbacks, and a viewer can repeat them."""
    ours, theirs = Channel.pair()
    # Not run(), which would lock this process in.
    living = asyncio.create_task(main._run(theirs, SETTINGS))
    channel = Channel(ours)
    await soon(channel.receive())
    loop = asyncio.get_running_loop()
    for _ in range(100):
        loop.call_exception_handler({"message": "stray", "exception": ValueError("why")})
    channel.close()
    await soon(living)
    assert caplog.text.count("stray") == 1 and caplog.text.count("ValueError: why") == 1
