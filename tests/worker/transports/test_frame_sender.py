"""What a stream's path is believed to carry at first."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.rtp.congestion import FAR_START_BPS, START_BPS
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.worker.message_socket import MessageSocket
from libvirt_webrtc.worker.transports import frame_sender
from libvirt_webrtc.worker.transports.frame_sender import FrameSender

HELLO_S = 60.0
MESSAGE = b"\x00\x81\x00"


@pytest.fixture
async def sock() -> AsyncIterator[MessageSocket]:
    ours, theirs = MessageSocket.pair()
    made = await MessageSocket.open(ours, largest=1)
    yield made
    await made.wait_closed(1)
    theirs.close()


async def test_a_late_hello_over_a_near_path_is_not_taken_for_a_far_one(
    sock: MessageSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        frame_sender, "NEAR_S", HELLO_S / 2
    )  # Real time, of which this test needs next to none.
    now = 100.0
    sender = FrameSender(sock, clock=lambda: now)
    track = ConsoleTrack([VideoFormat.VP8], None)
    sender.send(MESSAGE)
    beginning = asyncio.create_task(sender.begin([track], HELLO_S))
    await asyncio.sleep(0)
    now += 0.001
    sender.received(len(MESSAGE))
    await beginning
    assert track.congestion.target_bps == START_BPS
    assert track.congestion.rtt_s == pytest.approx(0.001)


async def test_a_far_path_is_waited_for_no_longer_than_a_near_one_takes(
    sock: MessageSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_sender, "NEAR_S", 0.0)
    sender = FrameSender(sock)
    track = ConsoleTrack([VideoFormat.VP8], None)
    sender.send(MESSAGE)
    await sender.begin([track], HELLO_S)
    assert track.congestion.target_bps == FAR_START_BPS
