"""Consoles over real peer connections on loopback, aiortc at both ends."""

import asyncio
import socket

import numpy as np
import pytest
from aiortc.rtp import RTCP_PSFB_PLI, RtcpPsfbPacket

from libvirt_webrtc.media.aiortc_ext.channels import UNREADABLE
from libvirt_webrtc.media.aiortc_ext.path import SecurePath
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.rtp.header import PLAYOUT_DELAY_URI
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import DEADLINE_S, draw, picture, show, until, watching

DECODED = (VideoFormat.H264, VideoFormat.H264_444, VideoFormat.VP8)
"""What aiortc, which receives here, can decode; Chromium decodes the others in tests/e2e/test_codecs.py."""


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> dict[ConsoleTrack, list[RtpFrame]]:
    """The packets that each track gave to its sender."""
    packets: dict[ConsoleTrack, list[RtpFrame]] = {}
    original = ConsoleTrack.next_frame

    async def recv(self: ConsoleTrack) -> RtpFrame:
        packet = await original(self)
        packets.setdefault(self, []).append(packet)
        return packet

    monkeypatch.setattr(ConsoleTrack, "next_frame", recv)
    return packets


@pytest.mark.parametrize("codec", DECODED)
async def test_viewer_sees_the_picture_and_its_changes(
    codec: VideoFormat, framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    async with watching(video, codec) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        draw(framebuffer, 31, 17, picture(101, 57, seed=3))
        await until(lambda: viewer.shows(framebuffer.pixels))
        show(framebuffer, picture(320, 240, seed=5))
        await until(lambda: viewer.shows(framebuffer.pixels))


@pytest.mark.parametrize("codec", DECODED)
async def test_resolution_change_keeps_the_track(
    codec: VideoFormat, framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    async with watching(video, codec) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        for width, height in ((640, 480), (322, 180), (800, 600)):
            show(framebuffer, picture(width, height, seed=width))
            await until(lambda: viewer.shows(framebuffer.pixels))
        assert viewer.track.readyState == "live"


@pytest.mark.parametrize("codec", DECODED)
async def test_odd_picture_is_padded(
    codec: VideoFormat, video: ConsoleVideo, framebuffer: Framebuffer
) -> None:
    show(framebuffer, picture(161, 121))
    padded = np.pad(framebuffer.pixels, ((0, 1), (0, 1), (0, 0)), mode="edge")
    async with watching(video, codec) as viewer:
        await until(lambda: viewer.shows(padded))


async def test_viewers_of_one_codec_share_packets(
    framebuffer: Framebuffer, video: ConsoleVideo, delivered: dict[ConsoleTrack, list[RtpFrame]]
) -> None:
    async with watching(video) as one, watching(video) as other:
        await until(lambda: one.shows(framebuffer.pixels) and other.shows(framebuffer.pixels))
        show(framebuffer, picture(320, 240, seed=2))
        await until(lambda: one.shows(framebuffer.pixels) and other.shows(framebuffer.pixels))
        assert len(video.stats().renditions) == 1
        ids = {id(packet) for packet in delivered[one.track]}
        shared = [packet for packet in delivered[other.track] if id(packet) in ids]
        assert len(shared) == len(delivered[other.track]) > 1
        assert delivered[other.track][0].keyframe


async def test_codecs_have_a_rendition_each(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    async with watching(video, VideoFormat.H264) as one, watching(video, VideoFormat.VP8) as other:
        await until(lambda: one.shows(framebuffer.pixels) and other.shows(framebuffer.pixels))
        assert {rendition.key.format for rendition in video.stats().renditions} == {
            VideoFormat.H264,
            VideoFormat.VP8,
        }
        draw(framebuffer, 0, 0, picture(320, 100, seed=4))
        await until(lambda: one.shows(framebuffer.pixels) and other.shows(framebuffer.pixels))


async def test_late_viewer_joins_a_still_picture(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    async with watching(video) as first:
        await until(lambda: first.shows(framebuffer.pixels))
        async with watching(video) as late:
            await until(lambda: late.shows(framebuffer.pixels))
        assert first.track.readyState == "live"


async def test_picture_loss_leads_to_a_keyframe(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        before = video.stats().renditions[0].keyframes
        sender = viewer.server.getSenders()[0]
        receiver = viewer.client.getReceivers()[0]
        loss = RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=sender._ssrc)
        # As receivers do, again and again: right after a keyframe it is not heard.
        async with asyncio.timeout(DEADLINE_S):
            while video.stats().renditions[0].keyframes == before:
                await receiver.transport._send_rtp(bytes(loss))
                await asyncio.sleep(0.05)
        assert video.stats().renditions[0].keyframes == before + 1


async def test_playout_delay_is_sent_where_it_is_negotiated(
    framebuffer: Framebuffer, video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    original = SecurePath.send

    def send(self: SecurePath, packet: bytes) -> None:
        sent.append(packet)
        original(self, packet)

    monkeypatch.setattr(SecurePath, "send", send)
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
    line = next(line for line in viewer.answer.splitlines() if PLAYOUT_DELAY_URI in line)
    number = int(line.split(":")[1].split()[0])
    assert sent
    for packet in sent:
        length = int.from_bytes(packet[14:16], "big") * 4
        assert bytes((number << 4 | 2, 0, 0, 0)) in packet[16 : 16 + length]


async def test_playout_delay_is_left_out_where_it_is_not(
    framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    def without(sdp: str) -> str:
        return "".join(line for line in sdp.splitlines(keepends=True) if PLAYOUT_DELAY_URI not in line)

    async with watching(video, edit_offer=without) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
    assert PLAYOUT_DELAY_URI not in viewer.answer


async def test_strangers_datagrams_do_no_harm(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        transport = viewer.server.getSenders()[0].transport.transport
        candidate = transport.iceGatherer.getLocalCandidates()[0]
        received = transport._connection._queue.qsize()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for datagram in (b"", b"\x16\xfe\xfd" + bytes(50), b"\x80" * 100, b"\x00" * 20, b"\xff"):
                stranger.sendto(datagram, (candidate.ip, candidate.port))
        show(framebuffer, picture(320, 240, seed=9))
        await until(lambda: viewer.shows(framebuffer.pixels))
        assert viewer.server.connectionState == "connected"
        assert transport._connection._queue.qsize() == received


async def test_unreadable_messages_are_reported_and_the_connection_is_its_owners_to_end(
    framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        server_sctp, client_sctp = viewer.server.sctp, viewer.client.sctp
        assert server_sctp is not None and client_sctp is not None
        await until(lambda: bool(server_sctp._data_channels))
        (served,) = server_sctp._data_channels.values()
        (channel,) = client_sctp._data_channels.values()
        await until(lambda: channel.readyState == "open")
        seen: list[object] = []
        unreadable: list[Exception] = []
        server_sctp.on(UNREADABLE, unreadable.append)

        @served.on("message")
        def on_message(message: object) -> None:
            seen.append(message)
            if message == b"raise":
                raise RuntimeError("from a message handler")

        channel.send(b"raise")
        client_sctp._data_channel_queue.append((channel, 51, b"\xff\xfe not UTF-8"))
        channel.send(b"fine")
        await until(lambda: seen == [b"raise", b"fine"])
        assert [type(error) for error in unreadable] == [RuntimeError, UnicodeDecodeError]
        assert viewer.server.connectionState == "connected"


async def test_nobody_watches_nothing_is_encoded(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
    await until(lambda: not video.stats().renditions)
    show(framebuffer, picture(320, 240, seed=1))
    assert not video.stats().renditions


async def test_closing_before_it_is_connected_leaves_nothing(video: ConsoleVideo) -> None:
    async with watching(video):
        pass
    assert not video.stats().renditions
