"""One viewer's packets: order, pace, numbers, repetition; with a clock and a path of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket

from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.rtp.congestion import CongestionControl
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.rtp.header import HeaderExtensions
from libvirt_webrtc.media.rtp.history import BUDGET_BYTES
from libvirt_webrtc.media.rtp.pacer import BURST_BYTES, BURST_S
from libvirt_webrtc.media.rtp.sender import RtpSender, RtpStream

STREAM, REPEATED = RtpStream(0x11223344, 102), RtpStream(0x55667788, 103)


def frame(
    timestamp: int, packets: int, *, size: int = 1_200, format_: VideoFormat = VideoFormat.H264
) -> RtpFrame:
    payloads = tuple(bytes([number % 256]) * size for number in range(packets))
    encoded = EncodedFrame(format_, timestamp, True, b"".join(payloads))
    return RtpFrame(encoded, payloads)


class Source:
    """Frames known beforehand, then the end."""

    def __init__(self, frames: Sequence[RtpFrame]) -> None:
        self.congestion = CongestionControl()
        self._frames = iter(frames)
        self.keyframes_asked = 0
        self.keyframes_reported: list[bool] = []
        self.wanted = True

    def request_keyframe(self) -> None:
        self.keyframes_asked += 1

    def keyframe_reported(self, *, whole: bool) -> None:
        self.keyframes_reported.append(whole)

    def is_wanted(self, frame: RtpFrame) -> bool:
        return self.wanted

    async def next_frame(self) -> RtpFrame:
        for frame in self._frames:
            self.wanted = True
            return frame
        raise MediaStreamError("the end")


class Wire:
    """A path, and the clock by which packets leave on it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.packets: list[tuple[float, RtpPacket]] = []
        self.bytes = 0
        self.counted: list[tuple[int, int, int]] = []
        self.full_until = 0.0
        self.closed = False

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    def ready(self) -> bool:
        if self.closed:
            raise ConnectionError("closed")
        return self.now >= self.full_until

    def send(self, packet: bytes) -> None:
        self.bytes += len(packet)
        self.packets.append((self.now, RtpPacket.parse(packet)))

    def count(self, packets: int, octets: int, timestamp: int) -> None:
        self.counted.append((packets, octets, timestamp))


def rtp_sender(
    source: Source,
    wire: Wire,
    *,
    repeated: RtpStream | None = REPEATED,
    sleep: Callable[[float], Awaitable[None]] | None = None,
) -> RtpSender:
    return RtpSender(
        source,
        wire,
        STREAM,
        HeaderExtensions({}, "0"),
        retransmission=repeated,
        clock=wire.clock,
        sleep=sleep or wire.sleep,
    )


async def sent(*frames: RtpFrame) -> Wire:
    wire = Wire()
    with pytest.raises(MediaStreamError):
        await rtp_sender(Source(frames), wire).run()
    return wire


async def test_packets_are_numbered_in_order_and_the_last_of_a_frame_is_marked() -> None:
    wire = await sent(frame(1, 3), frame(3_000, 1), frame(6_000, 40))
    packets = [packet for _, packet in wire.packets]
    first = packets[0].sequence_number
    assert first < 1 << 15
    assert [packet.sequence_number for packet in packets] == [first + number for number in range(44)]
    assert [number for number, packet in enumerate(packets) if packet.marker] == [2, 3, 43]
    assert {packet.ssrc for packet in packets} == {STREAM.ssrc}
    assert {packet.payload_type for packet in packets} == {STREAM.payload_type}
    assert [packet.payload[0] for packet in packets] == [0, 1, 2, 0, *range(40)]


async def test_sequence_numbers_wrap() -> None:
    wire = await sent(*(frame(number, 500, size=1) for number in range(200)))
    numbers = [packet.sequence_number for _, packet in wire.packets]
    assert len(numbers) > 1 << 16
    assert all((b - a) % (1 << 16) == 1 for a, b in zip(numbers, numbers[1:], strict=False))


async def test_timestamps_grow_even_where_another_rendition_is_behind() -> None:
    wire = await sent(*(frame(timestamp, 1) for timestamp in (90_000, 93_000, 92_000, 92_500, 99_000)))
    stamps = [packet.timestamp for _, packet in wire.packets]
    steps = [(b - a) % (1 << 32) for a, b in zip(stamps, stamps[1:], strict=False)]
    assert steps == [3_000, 1, 1, 5_998]


async def test_each_viewer_has_an_origin_of_its_own() -> None:
    origins = {(await sent(frame(0, 1))).packets[0][1].timestamp for _ in range(5)}
    assert len(origins) == 5


async def test_counters_tell_what_has_left() -> None:
    wire = await sent(frame(1, 3), frame(3_000, 60))
    assert sum(packets for packets, _, _ in wire.counted) == 63
    assert sum(octets for _, octets, _ in wire.counted) == 63 * 1_200
    assert wire.counted[-1][2] == wire.packets[-1][1].timestamp


async def test_small_frames_leave_without_delay() -> None:
    wire = await sent(frame(1, 5))
    assert {at for at, _ in wire.packets} == {100.0}


async def test_keyframe_is_spread_and_never_above_the_pace() -> None:
    source, wire = Source([frame(1, 120), frame(3_000, 120)]), Wire()
    rate = source.congestion.pacing_bps / 8
    with pytest.raises(MediaStreamError):
        await rtp_sender(source, wire).run()
    burst = max(BURST_BYTES, rate * BURST_S) + 1
    passed = 0
    for at, packet in wire.packets:
        passed += 12 + len(packet.payload)
        assert passed <= burst + (at - 100.0) * rate
    assert passed == 240 * 1_212
    assert wire.now - 100.0 < 1.2 * passed / rate


async def test_backlog_is_told_and_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(CongestionControl, "on_backlog", lambda self, now, seconds: told.append(seconds))
    await sent(frame(1, 120))
    assert told[0] > 0 and told == sorted(told, reverse=True) and told[-1] == 0
    told.clear()
    await sent(frame(1, 5))
    assert not told


async def test_socket_that_takes_nothing_is_waited_for() -> None:
    wire = Wire()
    wire.full_until = 100.5
    with pytest.raises(MediaStreamError):
        await rtp_sender(Source([frame(1, 5)]), wire).run()
    assert len(wire.packets) == 5 and min(at for at, _ in wire.packets) >= 100.5


async def test_closed_path_ends_it_in_mid_frame() -> None:
    wire = Wire()

    async def close_soon(seconds: float) -> None:
        wire.closed = len(wire.packets) > 100
        wire.now += seconds

    running = rtp_sender(Source([frame(1, 1_000)]), wire, sleep=close_soon)
    with pytest.raises(ConnectionError):
        await running.run()
    assert 100 < len(wire.packets) < 1_000
    running.repeat([wire.packets[0][1].sequence_number])


async def test_rest_of_a_frame_that_is_not_wanted_any_more_is_left_out() -> None:
    wire, source = Wire(), Source([frame(1, 1_000), frame(3_000, 3)])

    async def another_layer_comes(seconds: float) -> None:
        source.wanted = len(wire.packets) < 100
        wire.now += seconds

    sending = rtp_sender(source, wire, sleep=another_layer_comes)
    with pytest.raises(MediaStreamError):
        await sending.run()
    packets = [packet for _, packet in wire.packets]
    assert 100 < len(packets) < 1_000 and not any(packet.marker for packet in packets[:-1])
    first = packets[0].sequence_number
    assert [packet.sequence_number for packet in packets] == list(range(first, first + len(packets)))
    assert len({packet.timestamp for packet in packets[-3:]} - {packets[0].timestamp}) == 1
    before = len(wire.packets)
    sending.repeat([packet.sequence_number for packet in packets[:-3]])
    assert len(wire.packets) == before, "it would cost what the keyframe needs"


async def test_lost_packet_is_sent_again_in_the_stream_for_that() -> None:
    wire = Wire()
    source = Source([frame(1, 3)])
    sending = rtp_sender(source, wire)
    with pytest.raises(MediaStreamError):
        await sending.run()
    lost = wire.packets[2][1]
    sending.repeat([lost.sequence_number, lost.sequence_number + 1])
    (_, again), *others = wire.packets[3:]
    assert not others
    assert (again.ssrc, again.payload_type) == (REPEATED.ssrc, REPEATED.payload_type)
    assert (again.timestamp, again.marker) == (lost.timestamp, 1)
    assert again.payload == lost.sequence_number.to_bytes(2) + lost.payload


async def test_without_that_stream_it_is_repeated_byte_for_byte() -> None:
    wire = Wire()
    sending = rtp_sender(Source([frame(1, 3)]), wire, repeated=None)
    with pytest.raises(MediaStreamError):
        await sending.run()
    lost = wire.packets[1][1]
    sending.repeat([lost.sequence_number])
    assert wire.packets[3][1].serialize() == lost.serialize()


async def test_flood_of_nacks_is_answered_within_the_budget() -> None:
    wire = Wire()
    sending = rtp_sender(Source([frame(1, 400)]), wire)
    with pytest.raises(MediaStreamError):
        await sending.run()
    before = wire.bytes
    numbers = [packet.sequence_number for _, packet in wire.packets]
    for _ in range(100):
        sending.repeat(numbers * 10)
    assert 0 < wire.bytes - before <= BUDGET_BYTES


async def test_reports_reach_the_congestion_control() -> None:
    source = Source([])
    sending = rtp_sender(source, Wire())
    sending.report(fraction_lost=0.25, highest_sequence=0, rtt_s=0.125, jitter_s=0.001)
    assert source.congestion.rtt_s == 0.125


async def test_keyframe_that_is_asked_for_because_nothing_comes_is_not_made() -> None:
    wire, source = Wire(), Source([frame(1, 3)])
    sending = rtp_sender(source, wire)
    with pytest.raises(MediaStreamError):
        await sending.run()

    def receives(missing: int) -> None:
        last = wire.packets[-1][1].sequence_number
        sending.report(fraction_lost=0, highest_sequence=last - missing, rtt_s=None, jitter_s=0)

    sending.picture_lost()
    assert source.keyframes_asked == 1, "nobody knows what it has received"
    receives(missing=0)
    sending.picture_lost()
    assert source.keyframes_asked == 2, "it cannot decode what it has just received"
    wire.now += 3
    receives(missing=1)
    sending.picture_lost()
    assert source.keyframes_asked == 3, "it has not received the end"
    receives(missing=0)
    sending.picture_lost()
    assert source.keyframes_asked == 3
    wire.now += 3
    receives(missing=0)
    sending.picture_lost()
    assert source.keyframes_asked == 4, "it asks again"


async def test_a_keyframe_of_another_format_has_that_ones_payload_type_and_so_has_what_is_sent_again() -> (
    None
):
    wire = Wire()
    other, other_again = RtpStream(STREAM.ssrc, 96), RtpStream(REPEATED.ssrc, 97)
    frames = [frame(1, 2), frame(2, 2, format_=VideoFormat.VP8)]
    sending = RtpSender(
        Source(frames),
        wire,
        STREAM,
        HeaderExtensions({}, "0"),
        retransmission=REPEATED,
        others={VideoFormat.VP8: (other, other_again)},
        clock=wire.clock,
        sleep=wire.sleep,
    )
    with pytest.raises(MediaStreamError):
        await sending.run()
    assert [packet.payload_type for _, packet in wire.packets] == [102, 102, 96, 96]
    numbers = [packet.sequence_number for _, packet in wire.packets]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    sending.repeat(numbers)
    again = [packet for _, packet in wire.packets[4:]]
    assert [packet.payload_type for packet in again] == [97, 97], "of the old format nothing is of use"


@pytest.mark.parametrize(("arrived", "lost", "told"), [(3, 0.0, [True]), (2, 0.0, []), (3, 0.1, [False])])
async def test_the_source_is_told_how_a_keyframe_arrived(arrived: int, lost: float, told: list[bool]) -> None:
    wire, source = Wire(), Source([frame(1, 3)])
    sending = rtp_sender(source, wire)
    with pytest.raises(MediaStreamError):
        await sending.run()
    highest = wire.packets[arrived - 1][1].sequence_number
    sending.report(fraction_lost=lost, highest_sequence=highest, rtt_s=None, jitter_s=0)
    assert source.keyframes_reported == told
