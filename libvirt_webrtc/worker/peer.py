"""One viewer: a peer connection's life, from offer to close."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)

from libvirt_webrtc.errors import NegotiationError
from libvirt_webrtc.input import messages
from libvirt_webrtc.media.aiortc_ext.negotiation import choose_format, leave_candidates_open, prefer_format
from libvirt_webrtc.media.stream import ConsoleVideo
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.worker.input_channel import InputChannel
from libvirt_webrtc.worker.video_stats import own_stats

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 20.0
"""A viewer that has not connected by then is given up."""

ANSWER_TIMEOUT_S = 10.0
"""Gathering candidates, a TURN allocation included."""

STATS_INTERVAL_S = 1.0
"""Between the STATS of a viewer that wants them."""

MAX_MEDIA_SECTIONS = 4
MAX_CANDIDATES = 64
MAX_BUFFERED_BYTES = 4 * 1024 * 1024
"""A viewer whose display channel has this much unsent is gone or hostile."""


class Seat(Protocol):
    """What a viewer needs of the console it looks at."""

    @property
    def video(self) -> ConsoleVideo: ...

    def greeting(self) -> Iterable[bytes]:
        """The display messages that bring a new viewer up to date."""
        ...


class Peer:
    """One viewer of one console.

    ``on_closed`` is called once, with the peer, after everything it held is released. ``close()`` may be
    called any number of times.
    """

    def __init__(
        self,
        name: str,
        seat: Seat,
        input_channel: InputChannel,
        *,
        ice_servers: list[dict[str, Any]],
        on_closed: Callable[["Peer"], None],
    ) -> None:
        self.name = name
        self.input = input_channel
        self._seat = seat
        self._on_closed = on_closed
        self._pc = RTCPeerConnection(RTCConfiguration([RTCIceServer(**server) for server in ice_servers]))
        self.track: ConsoleTrack | None = None
        """Its video; None before its offer was understood."""
        self._display: RTCDataChannel | None = None
        self._negotiation: asyncio.Task[str] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._next_stats: asyncio.TimerHandle | None = None
        self._pc.on("connectionstatechange", self._connection_state_changed)
        self._pc.on("datachannel", self._data_channel_opened)
        input_channel.on_fault = self._fault
        input_channel.on_pong = self._pong
        input_channel.on_want_stats = self._want_stats

    async def answer(self, sdp: str) -> str:
        """The answer to this viewer's offer, with all of our candidates in it.

        Raises:
            NegotiationError: the offer cannot be answered; the peer closes by itself then.
        """
        self._negotiation = asyncio.create_task(self._negotiate(sdp), name=f"answer {self.name}")
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await asyncio.shield(self._negotiation)
        except TimeoutError:
            self._end()
            raise NegotiationError("no candidates could be gathered in time; check the TURN server") from None
        except BaseException:
            self._end()
            raise
        if self._closing is not None:
            raise NegotiationError("the viewer's connection was closed before it was answered")
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(CONNECT_TIMEOUT_S, self._fault, "did not connect in time")
        return answer

    def send(self, message: bytes) -> None:
        """Send a display message, if the viewer has opened that channel."""
        channel = self._display
        if channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount > MAX_BUFFERED_BYTES:
            self._fault("does not read its display channel")
            return
        try:
            channel.send(message)
        except ValueError as error:
            # More than the viewer's max-message-size, as a large cursor may be: it goes without.
            log.debug("viewer %s: %s", self.name, error)

    async def close(self) -> None:
        """Release held keys, end the connection, and report it once."""
        await asyncio.shield(self._end())

    async def _negotiate(self, sdp: str) -> str:
        _check_offer(sdp)
        format_ = choose_format(sdp, self._seat.video.formats)
        self.track = track = self._seat.video.track(format_)
        track.on("ended", lambda: self._fault(track.error or "its video ended"))
        try:
            transceiver = self._pc.addTransceiver(track, direction="sendonly")
            prefer_format(transceiver, format_)
            await self._pc.setRemoteDescription(RTCSessionDescription(leave_candidates_open(sdp), "offer"))
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except Exception as error:
            # aiortc has no error type for an offer or an ICE server that it cannot take: whatever it comes upon is
            # raised, here also where the viewer goes meanwhile.
            raise NegotiationError(f"the offer cannot be answered: {error!r}") from error
        return self._pc.localDescription.sdp

    def _data_channel_opened(self, channel: RTCDataChannel) -> None:
        if channel.label == "input":
            channel.on("message", self._input_message)
            channel.on("close", self.input.release_all)
        elif channel.label == "display" and self._display is None:
            self._display = channel
            for message in self._seat.greeting():
                self.send(message)
        else:
            self._fault(f"opened an unknown data channel {channel.label[:32]!r}")

    def _input_message(self, data: bytes | str) -> None:
        if isinstance(data, str):
            self._fault("sent text on the input channel")
        else:
            self.input.feed(data)

    def _pong(self, value: int) -> None:
        self.send(messages.pong(value))

    def _want_stats(self, wanted: bool) -> None:
        if self._next_stats is None:
            if wanted and self._closing is None:
                self._send_stats()
        elif not wanted:
            self._next_stats.cancel()
            self._next_stats = None

    def _send_stats(self) -> None:
        loop = asyncio.get_running_loop()
        self._next_stats = loop.call_later(STATS_INTERVAL_S, self._send_stats)
        if self.track is not None:
            self.send(messages.stats(own_stats(self._seat.video, self.track)))

    def _connection_state_changed(self) -> None:
        state = self._pc.connectionState
        if state == "connected" and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if state in ("failed", "closed"):
            self._end()

    def _fault(self, reason: object) -> None:
        if self._closing is None:
            log.info("viewer %s is disconnected: %s", self.name, reason)
            self._end()

    def _end(self) -> asyncio.Task[None]:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name=f"close {self.name}")
        return self._closing

    async def _close(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._want_stats(False)
        try:
            await self.input.close()
            if self._negotiation is not None:
                # aioice's gathering, cut short, would leave sockets behind; it ends by itself within 5 s.
                await asyncio.wait({self._negotiation})
            await self._pc.close()
        finally:
            self._on_closed(self)


def _check_offer(sdp: str) -> None:
    if not sdp.startswith("v=0"):
        raise NegotiationError("the offer is not SDP: it must begin with v=0")
    # As aiortc cuts it: also at line ends that SDP does not know.
    lines = sdp.splitlines()
    if sum(line.startswith("m=") for line in lines) > MAX_MEDIA_SECTIONS:
        raise NegotiationError(f"the offer has more than {MAX_MEDIA_SECTIONS} media sections")
    if sum(line.startswith("a=candidate:") for line in lines) > MAX_CANDIDATES:
        raise NegotiationError(f"the offer has more than {MAX_CANDIDATES} candidates")
