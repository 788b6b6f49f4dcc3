"""Puts our own sender of RTP packets inside aiortc's, which would encode and cut each frame anew for each viewer.

aiortc's sender keeps the rest: negotiation, tasks and their end, sender reports, statistics.
"""

import asyncio
import logging
import time
from typing import Any

from aiortc import RTCRtpSender
from aiortc.codecs import HEADER_EXTENSIONS, is_rtx
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpSendParameters,
)
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from libvirt_webrtc.media.aiortc_ext import ice
from libvirt_webrtc.media.aiortc_ext.negotiation import codecs_by_format
from libvirt_webrtc.media.aiortc_ext.patching import replace
from libvirt_webrtc.media.aiortc_ext.path import SecurePath, nominated_pair, ntp_time
from libvirt_webrtc.media.formats import CLOCK_RATE
from libvirt_webrtc.media.rtp.header import PLAYOUT_DELAY_URI, HeaderExtensions
from libvirt_webrtc.media.rtp.sender import RtpSender, RtpStream
from libvirt_webrtc.media.track import ConsoleTrack

logger = logging.getLogger(__name__)


def negotiate_playout_delay() -> None:
    """Negotiate the extension that has a receiver show each frame at once, which saves 80 to 160 ms."""
    used = {extension.id for kind in HEADER_EXTENSIONS.values() for extension in kind}
    free = next(number for number in range(1, 15) if number not in used)
    HEADER_EXTENSIONS["video"].append(RTCRtpHeaderExtensionParameters(id=free, uri=PLAYOUT_DELAY_URI))


def send_console_frames() -> None:
    """Have senders of a :class:`ConsoleTrack` send by an :class:`RtpSender`; others send as aiortc does."""

    async def send_(self: Any, parameters: RTCRtpSendParameters) -> None:
        # Kept before aiortc starts the task that needs them.
        self._console_parameters = parameters
        await send(self, parameters)

    async def run_rtp(self: Any, codec: RTCRtpCodecParameters) -> None:
        if isinstance(self.track, ConsoleTrack):
            await _run(self, self.track, codec)
        else:
            await original(self, codec)

    send = replace(RTCRtpSender, "send", send_)
    original = replace(RTCRtpSender, "_run_rtp", run_rtp)


def hear_feedback() -> None:
    """Give what viewers tell of a console's packets (RTCP) to its :class:`RtpSender`."""

    async def handle(self: Any, packet: AnyRtcpPacket) -> None:
        rtp_sender: RtpSender | None = getattr(self, "_console_rtp_sender", None)
        if rtp_sender is None:
            await original(self, packet)
            return
        match packet:
            case RtcpRtpfbPacket(fmt=fmt) if fmt == RTCP_RTPFB_NACK:
                rtp_sender.repeat(packet.lost)
            case RtcpPsfbPacket(fmt=fmt) if fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
                rtp_sender.picture_lost()
            case RtcpPsfbPacket(fmt=fmt) if fmt == RTCP_PSFB_APP:
                estimate = _remb(packet.fci, self._ssrc)
                if estimate is not None:
                    rtp_sender.estimate(estimate)
            case RtcpRrPacket() | RtcpSrPacket():
                await original(self, packet)
                for report in packet.reports:
                    if report.ssrc == self._ssrc:
                        rtp_sender.report(
                            fraction_lost=report.fraction_lost / 256,
                            highest_sequence=report.highest_sequence,
                            rtt_s=_round_trip_s(report),
                            jitter_s=report.jitter / CLOCK_RATE,
                        )

    original = replace(RTCRtpSender, "_handle_rtcp_packet", handle)


def date_sender_reports() -> None:
    """Date sender reports by the moment they are sent.

    aiortc dates them by the last packet, which for a still picture may be long ago. Two reports of the same time cannot
    be told apart in a receiver's answer, so round trips would come out wrong.
    """

    async def send_rtcp(self: Any, packets: list[AnyRtcpPacket]) -> None:
        if packets and isinstance(packets[0], RtcpSrPacket) and hasattr(self, "_console_rtp_sender"):
            info = packets[0].sender_info
            if not info.packet_count:
                return  # Nothing has been sent yet: there is nothing to report.
            now = ntp_time()
            passed = (now - info.ntp_timestamp) * CLOCK_RATE >> 32
            info.rtp_timestamp = (info.rtp_timestamp + passed) & 0xFFFFFFFF
            info.ntp_timestamp = now
            self._RTCRtpSender__lsr = now >> 16 & 0xFFFFFFFF
            self._RTCRtpSender__lsr_time = time.time()
        await original(self, packets)

    original = replace(RTCRtpSender, "_send_rtcp", send_rtcp)


async def _run(sender: Any, track: ConsoleTrack, codec: RTCRtpCodecParameters) -> None:
    """Run in place of aiortc's loop, and set the same events at the end."""
    sender._RTCRtpSender__rtp_started.set()
    try:
        sender._console_rtp_sender = _rtp_sender(sender, track, codec)
        if (rtt_s := _checked_round_trip_s(sender)) is not None:
            track.congestion.begin(time.monotonic(), rtt_s)
        await sender._console_rtp_sender.run()
    except (asyncio.CancelledError, ConnectionError, MediaStreamError):
        # The ordinary ends. aiortc cancels this task, and then waits for the event below, not for the task.
        pass
    except Exception:
        logger.exception("a viewer's video ends")
    finally:
        track.stop()
        sender._RTCRtpSender__track = None
        sender._RTCRtpSender__rtp_exited.set()


def _rtp_sender(sender: Any, track: ConsoleTrack, codec: RTCRtpCodecParameters) -> RtpSender:
    parameters: RTCRtpSendParameters = sender._console_parameters

    def streams(codec: RTCRtpCodecParameters) -> tuple[RtpStream, RtpStream | None]:
        repeating = [c for c in parameters.codecs if is_rtx(c) and c.parameters["apt"] == codec.payloadType]
        again = _stream(sender._rtx_ssrc, repeating[0]) if repeating else None
        return _stream(sender._ssrc, codec), again

    first, again = streams(codec)
    return RtpSender(
        track,
        SecurePath(sender),
        first,
        HeaderExtensions({e.uri: e.id for e in parameters.headerExtensions}, parameters.muxId),
        retransmission=again,
        others={format_: streams(codec) for format_, codec in codecs_by_format(parameters.codecs).items()},
    )


def _checked_round_trip_s(sender: Any) -> float | None:
    pair = nominated_pair(sender)
    return None if pair is None else ice.round_trip_s(pair)


def _stream(ssrc: int, codec: RTCRtpCodecParameters) -> RtpStream:
    assert codec.payloadType is not None
    return RtpStream(ssrc, codec.payloadType)


def _remb(fci: bytes, ssrc: int) -> int | None:
    """The estimate in bits per second, if this is a REMB and about ``ssrc``."""
    try:
        bits_per_second, ssrcs = unpack_remb_fci(fci)
    except ValueError:
        return None
    return bits_per_second if ssrc in ssrcs else None


def _round_trip_s(report: RtcpReceiverInfo) -> float | None:
    """The round trip that a report tells; None before our first report has been answered.

    RFC 3550, 6.4.1: now - LSR - DLSR, in units of 1/65536 s that wrap.
    """
    if not report.lsr:
        return None
    now = ntp_time() >> 16
    units = (now - report.lsr - report.dlsr) & 0xFFFFFFFF
    # More than half the range means a negative time: the report is not about one of ours.
    return units / 65536 if units < 1 << 31 else None
