"""Messages and descriptors over a real socket pair."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from libvirt_webrtc.errors import MessageRefused, WorkerError, WorkerGone
from libvirt_webrtc.worker import channel as module
from libvirt_webrtc.worker import ipc
from libvirt_webrtc.worker.channel import Channel
from tests.media.helpers import soon
from tests.support.grants import ADMIN


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Channel, socket.socket]]:
    """A channel, and the bare socket at its other end."""
    ours, theirs = Channel.pair()
    channel = Channel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


@pytest.fixture
def null() -> Iterator[int]:
    """A descriptor to pass."""
    with open(os.devnull) as file:
        yield file.fileno()


async def test_messages_keep_their_order_and_descriptors(
    ends: tuple[Channel, socket.socket], null: int
) -> None:
    channel, theirs = ends
    other = Channel(theirs.dup())
    await channel.send(ipc.Beat())
    await channel.send(ipc.UseDisplay(False), [null])
    await channel.send(ipc.DomainPaused(True))
    received = [await other.receive() for _ in range(3)]
    assert [message for message, _ in received] == [ipc.Beat(), ipc.UseDisplay(False), ipc.DomainPaused(True)]
    assert [len(fds) for _, fds in received] == [0, 1, 0]
    (fd,) = received[1][1]
    assert os.fstat(fd).st_rdev == os.fstat(null).st_rdev and not os.get_inheritable(fd)
    os.close(fd)
    other.close()


async def test_descriptors_of_what_is_no_message_are_closed(
    ends: tuple[Channel, socket.socket], null: int
) -> None:
    channel, theirs = ends
    socket.send_fds(theirs, [b"nonsense"], [null] * 2)
    with pytest.raises(WorkerError):
        await channel.receive()


async def test_more_descriptors_than_any_message_has_leave_none_behind(
    ends: tuple[Channel, socket.socket], null: int
) -> None:
    channel, theirs = ends
    socket.send_fds(theirs, [ipc.encode(ipc.Beat())], [null] * 50)
    _, fds = await channel.receive()
    assert len(fds) <= module.MAX_FDS
    for fd in fds:
        os.close(fd)


async def test_largest_offer_fits_and_a_larger_message_is_refused(
    ends: tuple[Channel, socket.socket],
) -> None:
    channel, theirs = ends
    other = Channel(theirs.dup())
    around = len(ipc.encode(ipc.Offer(1, "p", 0, "x" * (1 << 16), ADMIN))) - (1 << 16)
    offer = ipc.Offer(1, "p", 0, "x" * (ipc.MAX_PACKET - around), ADMIN)
    await soon(channel.send(offer))
    assert await other.receive() == (offer, [])
    with pytest.raises(MessageRefused, match="too large"):
        await channel.send(ipc.Answered(1, "x" * ipc.MAX_PACKET))
    # A packet beyond the limit, from another program, is cut, and so no message.
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    theirs.send(ipc.encode(ipc.Beat()) + bytes(2 * ipc.MAX_PACKET))
    with pytest.raises(WorkerError):
        await channel.receive()
    other.close()


async def test_senders_wait_for_a_reader_that_is_slow(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    messages = [ipc.Answered(number, "x" * 50_000) for number in range(40)]
    senders = [asyncio.create_task(channel.send(message)) for message in messages]
    await asyncio.sleep(0.05)
    assert not all(sender.done() for sender in senders)
    other = Channel(theirs.dup())
    assert [(await soon(other.receive()))[0] for _ in messages] == messages
    await soon(asyncio.gather(*senders))
    other.close()


async def test_a_sender_that_gives_up_leaves_the_channel_to_the_others(
    ends: tuple[Channel, socket.socket],
) -> None:
    channel, theirs = ends
    # As many as there are, so that two wait: one for the socket, one for its turn.
    senders = [asyncio.create_task(channel.send(ipc.Answered(n, "x" * 50_000))) for n in range(40)]
    await asyncio.sleep(0.05)
    waiting = [sender for sender in senders if not sender.done()]
    waiting[0].cancel()
    waiting[2].cancel()
    other = Channel(theirs.dup())
    for _ in range(38):
        await soon(other.receive())
    results = await asyncio.gather(*senders, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 2
    other.close()


async def test_close_ends_whoever_waits(ends: tuple[Channel, socket.socket]) -> None:
    channel, _ = ends
    receiver = asyncio.create_task(channel.receive())
    senders = [asyncio.create_task(channel.send(ipc.Answered(n, "x" * 50_000))) for n in range(40)]
    await asyncio.sleep(0.05)
    channel.close()
    channel.close()
    results = await soon(asyncio.gather(receiver, *senders, return_exceptions=True))
    assert isinstance(results[0], WorkerGone) and isinstance(results[-1], WorkerGone)
    for late in (channel.receive(), channel.send(ipc.Beat())):
        with pytest.raises(WorkerGone):
            await late


async def test_other_end_closing_is_worker_gone(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    receiver = asyncio.create_task(channel.receive())
    await asyncio.sleep(0)
    theirs.close()
    with pytest.raises(WorkerGone):
        await soon(receiver)
    with pytest.raises(WorkerGone):
        await channel.send(ipc.Beat())
