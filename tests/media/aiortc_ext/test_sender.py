"""Our sender inside aiortc's, between two real peers: loss, feedback, floods, and the end."""

import asyncio
import gc

import pytest
from aiortc import RTCRtpSender
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
)

from libvirt_webrtc.media.aiortc_ext.path import SecurePath
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.decoders import KeyframeAnswers
from libvirt_webrtc.media.encode.frame_scheduler import KEYFRAME_INTERVAL_S
from libvirt_webrtc.media.formats import CLOCK_RATE
from libvirt_webrtc.media.layers import LayerChoice
from libvirt_webrtc.media.rtp.congestion import CongestionControl
from libvirt_webrtc.media.rtp.sender import RtpSender
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import DEADLINE_S, Viewer, draw, picture, show, soon, until, watching


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[RtpPacket]:
    """Every packet of video that leaves."""
    packets: list[RtpPacket] = []
    original = SecurePath.send

    def send(self: SecurePath, packet: bytes) -> None:
        packets.append(RtpPacket.parse(packet))
        original(self, packet)

    monkeypatch.setattr(SecurePath, "send", send)
    return packets


def sender_of(viewer: Viewer) -> RTCRtpSender:
    return viewer.server.getSenders()[0]


@pytest.fixture
def full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every viewer is sent the full size all the time.

    On a busy machine loss lasts long enough to be taken for a poor path, and a flood of requests for keyframes for a
    decoder that takes none: that viewer's picture would come in half size.
    """
    monkeypatch.setattr(LayerChoice, "update", lambda self, now, target_bps: self.layer)
    monkeypatch.setattr(KeyframeAnswers, "reported", lambda self, *, whole: False)


async def tell(viewer: Viewer, *packets: AnyRtcpPacket) -> None:
    """The viewer sends these."""
    transport = viewer.client.getReceivers()[0].transport
    await transport._send_rtp(b"".join(map(bytes, packets)))


@pytest.mark.usefixtures("full_size")
async def test_lost_packets_are_repeated_and_no_keyframe_is_needed(
    framebuffer: Framebuffer, video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeated = 0
    lost: set[int] = set()
    original = SecurePath.send

    def send(self: SecurePath, packet: bytes) -> None:
        nonlocal repeated
        rtp = RtpPacket.parse(packet)
        if rtp.ssrc != self._sender._ssrc:
            repeated += 1
        elif rtp.sequence_number % 5 == 0 and lossy:
            lost.add(rtp.sequence_number)
            return
        original(self, packet)

    lossy = False
    monkeypatch.setattr(SecurePath, "send", send)
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        lossy = True
        while len(lost) < 10:
            draw(framebuffer, 0, 0, picture(320, 200, seed=len(lost) + 2))
            await asyncio.sleep(0.05)
        # What is lost at the very end is noticed with the next frame.
        lossy = False
        draw(framebuffer, 0, 0, picture(320, 200, seed=1))
        await until(lambda: viewer.shows(framebuffer.pixels))
        assert repeated >= len(lost)
        assert video.stats().renditions[0].keyframes == 1


async def test_statistics_count_what_was_sent(
    framebuffer: Framebuffer, video: ConsoleVideo, sent: list[RtpPacket]
) -> None:
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        sender = sender_of(viewer)
        report = await sender.getStats()
        counted = report[f"outbound-rtp_{id(sender)}"]
        assert counted.packetsSent == len(sent)
        assert counted.bytesSent == sum(len(packet.payload) for packet in sent)
        transport = report[sender.transport._stats_id]
        assert transport.packetsSent > len(sent) and transport.bytesSent > counted.bytesSent


async def test_sender_reports_of_a_still_picture_are_of_now(
    framebuffer: Framebuffer, video: ConsoleVideo, sent: list[RtpPacket], monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[RtcpSrPacket] = []
    original = RtcpSrPacket.__bytes__

    def serialise(self: RtcpSrPacket) -> bytes:
        reports.append(self)
        return original(self)

    monkeypatch.setattr(RtcpSrPacket, "__bytes__", serialise)
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        await until(lambda: sum(bool(report.sender_info.packet_count) for report in reports) >= 3)
    *_, first, second = (report.sender_info for report in reports)
    assert first.ntp_timestamp < second.ntp_timestamp
    ticks = (second.ntp_timestamp - first.ntp_timestamp) * CLOCK_RATE / 2**32
    assert (second.rtp_timestamp - first.rtp_timestamp) % 2**32 == pytest.approx(ticks, abs=2)
    assert first.packet_count == second.packet_count == len(sent)


async def test_viewers_reports_give_loss_and_round_trip(
    framebuffer: Framebuffer, video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[float, float | None, float]] = []

    def on_report(
        self: CongestionControl, now: float, *, fraction_lost: float, rtt_s: float | None, jitter_s: float
    ) -> None:
        heard.append((fraction_lost, rtt_s, jitter_s))

    monkeypatch.setattr(CongestionControl, "on_report", on_report)
    async with watching(video) as viewer:
        # The peer's own reports, of its real packets; the first ones come before any report of ours.
        await until(lambda: any(rtt is not None for _, rtt, _ in heard))
        assert all(rtt is None or 0 <= rtt < 5 for _, rtt, _ in heard)
        ssrc = sender_of(viewer)._ssrc
        strange = RtcpReceiverInfo(ssrc + 1, 255, 0, 0, 90_000, 0, 0)
        ours = RtcpReceiverInfo(ssrc, 64, 0, 0, 90, 0, 0)
        await tell(viewer, RtcpRrPacket(1, [strange, ours]))
        await until(lambda: (0.25, None, 0.001) in heard)
        assert all(jitter != 1.0 for _, _, jitter in heard)


async def test_estimates_and_losses_reach_the_congestion_control(
    framebuffer: Framebuffer, video: ConsoleVideo, sent: list[RtpPacket], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, int]] = []
    monkeypatch.setattr(CongestionControl, "on_remb", lambda self, now, rate: heard.append(("remb", rate)))
    monkeypatch.setattr(CongestionControl, "on_nack", lambda self, now, n: heard.append(("nack", n)))
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        ssrc = sender_of(viewer)._ssrc
        await tell(
            viewer,
            RtcpPsfbPacket(RTCP_PSFB_APP, 1, 0, pack_remb_fci(123_456, [ssrc])),
            RtcpPsfbPacket(RTCP_PSFB_APP, 1, ssrc, b"something else.."),
            RtcpRtpfbPacket(RTCP_RTPFB_NACK, 1, ssrc, [packet.sequence_number for packet in sent[:3]]),
        )
        await until(lambda: ("nack", 3) in heard)
        assert ("remb", 123_456) in heard
        assert viewer.server.connectionState == "connected"


@pytest.mark.usefixtures("full_size")
async def test_floods_of_feedback_storm_nothing(
    framebuffer: Framebuffer, video: ConsoleVideo, sent: list[RtpPacket]
) -> None:
    """500 PLIs and as many NACKs of everything, from one viewer of two."""
    async with watching(video) as hostile, watching(video) as other:
        await until(lambda: hostile.shows(framebuffer.pixels) and other.shows(framebuffer.pixels))
        loop = asyncio.get_running_loop()
        began, before = loop.time(), video.stats().renditions[0].keyframes
        ssrc = sender_of(hostile)._ssrc
        known = [packet.sequence_number for packet in sent if packet.ssrc == ssrc]
        tasks = len(asyncio.all_tasks())
        for _ in range(500):
            await tell(
                hostile,
                RtcpPsfbPacket(RTCP_PSFB_PLI, 1, ssrc),
                RtcpRtpfbPacket(RTCP_RTPFB_NACK, 1, ssrc, known[-100:]),
            )
            await asyncio.sleep(0)
        show(framebuffer, picture(320, 240, seed=7))
        await until(lambda: hostile.shows(framebuffer.pixels) and other.shows(framebuffer.pixels))
        await asyncio.sleep(KEYFRAME_INTERVAL_S)
        made = video.stats().renditions[0].keyframes - before
        assert made <= (loop.time() - began) / KEYFRAME_INTERVAL_S + 1
        # What was asked while the last keyframe could still be repaired is asked again, as receivers do.
        async with asyncio.timeout(DEADLINE_S):
            while video.stats().renditions[0].keyframes == before:
                await tell(hostile, RtcpPsfbPacket(RTCP_PSFB_PLI, 1, ssrc))
                await asyncio.sleep(0.05)
        # Nothing piles up: no task, no queue of frames.
        assert len(asyncio.all_tasks()) <= tasks + 2
        assert hostile.server.connectionState == "connected"


async def test_twenty_mode_changes_on_one_connection(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        for number in range(20):
            size = ((320, 240), (400, 300), (200, 150), (640, 200))[number % 4]
            show(framebuffer, picture(*size, seed=number))
            await until(lambda: viewer.shows(framebuffer.pixels))
        assert viewer.track.readyState == "live"
        assert viewer.server.connectionState == "connected"


async def test_viewer_that_goes_in_mid_frame_ends_cleanly(
    framebuffer: Framebuffer,
    video: ConsoleVideo,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # So slow that a keyframe never gets through.
    monkeypatch.setattr(CongestionControl, "pacing_bps", 10_000)
    show(framebuffer, picture(1280, 720))
    async with watching(video) as viewer:
        sender = sender_of(viewer)
        await until(lambda: sender._RTCRtpSender__packet_count > 5)  # type: ignore[attr-defined]
        await soon(sender.stop())
    assert viewer.track.readyState == "ended"
    await until(lambda: not video.stats().renditions)
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


async def test_lost_connection_ends_the_track(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        transport = sender_of(viewer).transport.transport
        await transport._connection.close()
        show(framebuffer, picture(320, 240, seed=3))
        await until(lambda: viewer.track.readyState == "ended")


async def test_a_viewer_that_left_leaves_nothing(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    def rtp_senders() -> int:
        gc.collect()
        return sum(isinstance(thing, RtpSender) for thing in gc.get_objects())

    before = rtp_senders()
    for _ in range(3):
        await _watch_once(framebuffer, video)
    await until(lambda: rtp_senders() <= before)


async def _watch_once(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
