"""A viewer's WebRTC connection, from its offer to its end."""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.errors import GatheringError, NegotiationError
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.media.aiortc_ext.channels import UNREADABLE, ignore_messages
from libvirt_webrtc.media.aiortc_ext.negotiation import adapt_offer, choose_formats, prefer_format
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.worker.transports.offer import MAX_CONSOLES, check_offer, why_refused
from libvirt_webrtc.worker.viewer import Viewer
from libvirt_webrtc.worker.viewer_console import ConsoleForViewers, ViewerConsole

log = logging.getLogger(__name__)
_half_closed = LimitedLogger(log)
"""For what any offer can bring about: of the process, not of one connection."""

FAREWELL_S = 0.5
"""Seconds that a viewer which is told why its connection ends has to end it itself, as pages do."""

_LABEL = re.compile(r"(input|display)(?:/([0-9]{1,4}))?\Z")
"""Of a data channel; the number is that of another console than the one that was asked for."""


class WebRTCConnection:
    """One peer connection: a track for each section, and a pair of data channels for each console that is opened.

    ``on_closed`` is called once, with this connection, after everything it held is released.

    Attributes:
        viewer: whose connection it is.
    """

    def __init__(
        self,
        name: str,
        shared_consoles: Sequence[ConsoleForViewers],
        grant: Grant,
        *,
        ice_servers: Sequence[IceServer] = (),
        on_closed: Callable[["WebRTCConnection"], None],
    ) -> None:
        """
        Args:
            name: the viewer's.
            shared_consoles: the console that was asked for, then the others that there are.
            grant: what the viewer may do.
            ice_servers: what our own candidates are gathered with.
            on_closed: see above.
        """
        self.viewer = Viewer(name, shared_consoles, grant, on_fault=self._fault)
        self._on_closed = on_closed
        self._pc = RTCPeerConnection(
            RTCConfiguration([RTCIceServer(**server.as_json()) for server in ice_servers])
        )
        self._tasks = TaskSet(expected=(NegotiationError,))
        self._negotiation: asyncio.Task[str] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._labels: set[str] = set()
        """Of the data channels that were opened."""
        self._over = asyncio.Event()
        """The viewer's side has ended."""
        self._pc.on("connectionstatechange", self._connection_state_changed)
        self._pc.on("datachannel", self._data_channel_opened)

    async def answer(self, sdp: str) -> str:
        """The answer to this viewer's offer, with all of our candidates in it. Takes at most GATHER_S.

        Where this fails or is cancelled, the connection closes by itself.

        Raises:
            NegotiationError: the offer cannot be answered.
            GatheringError: our own candidates were not there in time.
        """
        self._negotiation = self._tasks.start(self._negotiate(sdp), name=f"answer {self.viewer.name}")
        try:
            async with asyncio.timeout(limits.GATHER_S):
                answer = await asyncio.shield(self._negotiation)
        except TimeoutError:
            self._end()
            raise GatheringError("no candidates could be gathered in time; check the TURN server") from None
        except BaseException:
            self._end()
            raise
        if self._closing is not None:
            raise NegotiationError("the viewer's connection was closed before it was answered")
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(limits.CONNECT_S, self._fault, "no connection came about in time")
        return answer

    async def close(self, why: str = "") -> None:
        """Let go of held keys, end the connection, and report it. Idempotent. May be cancelled, and ends all the same.

        Takes up to GATHER_S where candidates are still being gathered, since aioice cannot be cut short, and
        FAREWELL_S where the viewer is told ``why``, in a sentence.
        """
        await asyncio.shield(self._end(why))

    async def _negotiate(self, sdp: str) -> str:
        check_offer(sdp)
        formats = choose_formats(sdp, self.viewer.first.video.formats)
        if len(formats) > MAX_CONSOLES:
            raise NegotiationError(f"the offer has more than {MAX_CONSOLES} video sections")
        try:
            for taken in formats:
                self.viewer.tracks.append(track := ConsoleTrack(taken, None))
                track.on("ended", partial(self._track_ended, track))
                prefer_format(self._pc.addTransceiver(track, direction="sendonly"), *taken)
            self.viewer.open_first()
            await self._pc.setRemoteDescription(RTCSessionDescription(adapt_offer(sdp), "offer"))
            if self._pc.sctp is not None:
                self._pc.sctp.on(UNREADABLE, self._unreadable)
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except GatheringError:
            raise
        except Exception as error:
            # aiortc has no error type for an offer or an ICE server that it cannot take: whatever it comes upon is
            # raised, here also where the viewer goes meanwhile.
            log.debug("viewer %s: aiortc cannot answer its offer: %r", self.viewer.name, error)
            raise NegotiationError(f"the offer cannot be answered: {why_refused(error)}") from error
        return self._pc.localDescription.sdp

    def _track_ended(self, track: ConsoleTrack) -> None:
        if track.error is not None:
            self._fault(track.error)
        else:
            self._end()  # The viewer left.

    def _data_channel_opened(self, channel: RTCDataChannel) -> None:
        found = _LABEL.match(channel.label)
        index = int(found[2]) if found is not None and found[2] is not None else None
        opened = self.viewer.console(index) if found is not None else None
        if found is None or opened is None:
            self._fault(f"an unknown data channel was opened: {channel.label[:32]!r}")
        elif channel.label in self._labels:
            self._fault(f"the data channel {channel.label!r} was opened twice")
        else:
            self._labels.add(channel.label)
            if found[1] == "input":
                channel.on("message", partial(self._input_message, opened))
                channel.on("close", opened.input.release_all)
            else:
                channel.on("message", lambda _: self._fault("a message was sent on the display channel"))
                opened.open_display(channel)
                if channel.label == "display":
                    self.viewer.tell_consoles(again=True)

    def _input_message(self, opened: ViewerConsole, data: bytes | str) -> None:
        if isinstance(data, str):
            self._fault("text was sent on the input channel")
        else:
            opened.input.feed(data)

    def _unreadable(self, error: Exception) -> None:
        self._fault(f"a data channel brought what cannot be taken: {error}")

    def _connection_state_changed(self) -> None:
        state = self._pc.connectionState
        if state == "connected" and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if state in ("failed", "closed"):
            self._over.set()
            self._end()

    def _fault(self, reason: object) -> None:
        if self._closing is None:
            log.info("viewer %s is disconnected: %s", self.viewer.name, reason)
            self._end(f"The server ended this connection: {reason}.")

    def _end(self, why: str = "") -> asyncio.Task[None]:
        if self._closing is None:
            # Nothing that still comes is worth anything, and there may be much of it.
            ignore_messages(self._pc)
            self._closing = self._tasks.start(self._close(why), name=f"close {self.viewer.name}")
        return self._closing

    async def _close(self, why: str) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        try:
            await self.viewer.close()
            if why and self._pc.connectionState == "connected":
                self.viewer.tell_end(why)
                with suppress(TimeoutError):
                    async with asyncio.timeout(FAREWELL_S):
                        await self._over.wait()
            if self._negotiation is not None:
                # aioice's gathering, cut short, would leave sockets behind; it ends by itself within 2 s.
                await asyncio.wait({self._negotiation})
                # It may have opened the first console only now.
                await self.viewer.close()
            await _close_peer_connection(self._pc)
        finally:
            self._on_closed(self)


async def _close_peer_connection(pc: RTCPeerConnection) -> None:
    """Close it, and its sockets even where aiortc fails on a section that it did not understand to the end."""
    try:
        await pc.close()
    except Exception as error:
        _half_closed.warning("aiortc cannot close a connection: %r", error, exc_info=error)
        for transceiver in pc.getTransceivers():
            if (transport := transceiver.receiver.transport) is not None:
                await transport.stop()
                await transport.transport.stop()
