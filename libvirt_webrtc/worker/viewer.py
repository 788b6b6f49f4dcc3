"""One viewer: a peer connection's life, from offer to close."""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from functools import partial

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)

from libvirt_webrtc.agent import limits
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.errors import GatheringError, NegotiationError
from libvirt_webrtc.input import messages
from libvirt_webrtc.media.aiortc_ext.negotiation import adapt_offer, choose_formats, prefer_format
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.worker.viewer_console import ConsoleForViewers, ViewerConsole

log = logging.getLogger(__name__)

MAX_CONSOLES = 4
"""Video sections of one offer."""
MAX_MEDIA_SECTIONS = MAX_CONSOLES + 2
MAX_CANDIDATES = 64

_LABEL = re.compile(r"(input|display)(?:/([0-9]{1,4}))?\Z")
"""Of a data channel; the number is that of another console than the one that was asked for."""


class Viewer:
    """One viewer, of the console that it asked for and of those others of the domain that it opens.

    The first video section is the first console's, and watched from the start; each further one belongs to the next
    of ``shared_consoles``, now or when there is one. ``on_closed`` is called once, with the viewer, after everything it
    held is released. ``close()`` may be called any number of times.

    Args:
        shared_consoles: the console that was asked for, then the others that there are.
    """

    def __init__(
        self,
        name: str,
        shared_consoles: Sequence[ConsoleForViewers],
        *,
        ice_servers: Sequence[IceServer] = (),
        on_closed: Callable[["Viewer"], None],
    ) -> None:
        self.name = name
        self._shared_consoles = list(shared_consoles)
        """By video section, and beyond those."""
        self._present = {shared.index for shared in shared_consoles}
        self._on_closed = on_closed
        self._pc = RTCPeerConnection(
            RTCConfiguration([RTCIceServer(**server.as_json()) for server in ice_servers])
        )
        self._tracks: list[ConsoleTrack] = []
        """By video section; none before the offer was understood."""
        self._viewer_consoles: dict[int, ViewerConsole] = {}
        """Those that the viewer has opened, by console."""
        self._told_consoles = b""
        self._negotiation: asyncio.Task[str] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._pc.on("connectionstatechange", self._connection_state_changed)
        self._pc.on("datachannel", self._data_channel_opened)

    async def answer(self, sdp: str) -> str:
        """The answer to this viewer's offer, with all of our candidates in it.

        Raises:
            NegotiationError: the offer cannot be answered; the viewer closes by itself then.
            GatheringError: not in time; likewise.
        """
        self._negotiation = asyncio.create_task(self._negotiate(sdp), name=f"answer {self.name}")
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
        self._deadline = loop.call_later(limits.CONNECT_S, self._fault, "did not connect in time")
        return answer

    def consoles_changed(self, shared_consoles: Sequence[ConsoleForViewers]) -> None:
        """These are the domain's consoles now: tell the viewer. One that has come back keeps its section."""
        known = {shared.index for shared in self._shared_consoles}
        self._shared_consoles += [shared for shared in shared_consoles if shared.index not in known]
        self._present = {shared.index for shared in shared_consoles}
        self._tell_consoles()

    async def close(self) -> None:
        """Release held keys, end the connection, and report it once."""
        await asyncio.shield(self._end())

    async def _negotiate(self, sdp: str) -> str:
        _check_offer(sdp)
        formats = choose_formats(sdp, self._shared_consoles[0].video.formats)
        if len(formats) > MAX_CONSOLES:
            raise NegotiationError(f"the offer has more than {MAX_CONSOLES} video sections")
        try:
            for format_ in formats:
                self._tracks.append(track := ConsoleTrack(format_, None))
                track.on("ended", partial(self._track_ended, track))
                prefer_format(self._pc.addTransceiver(track, direction="sendonly"), format_)
            self._open(self._shared_consoles[0], self._tracks[0]).watch(True)
            await self._pc.setRemoteDescription(RTCSessionDescription(adapt_offer(sdp), "offer"))
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except Exception as error:
            # aiortc has no error type for an offer or an ICE server that it cannot take: whatever it comes upon is
            # raised, here also where the viewer goes meanwhile.
            raise NegotiationError(f"the offer cannot be answered: {error!r}") from error
        return self._pc.localDescription.sdp

    def _track_ended(self, track: ConsoleTrack) -> None:
        if track.error is not None:
            self._fault(track.error)
        else:
            self._end()  # It left.

    def _data_channel_opened(self, channel: RTCDataChannel) -> None:
        found = _LABEL.match(channel.label)
        opened = (
            self._viewer_console(None if found[2] is None else int(found[2])) if found is not None else None
        )
        if found is None or opened is None:
            self._fault(f"opened an unknown data channel {channel.label[:32]!r}")
        elif found[1] == "input":
            opened.open_input(channel)
        elif not opened.open_display(channel):
            self._fault(f"opened the data channel {channel.label!r} twice")
        elif found[2] is None:
            self._told_consoles = b""
            self._tell_consoles()

    def _viewer_console(self, console: int | None) -> ViewerConsole | None:
        """The viewer's console, opened now if it was not; the first one for None. None: there is no such console."""
        if self._closing is not None:
            return None
        if console is None:
            return self._viewer_consoles.get(self._shared_consoles[0].index)
        # The first one has its channels' names already.
        others = zip(self._shared_consoles[1:], self._tracks[1:], strict=False)
        for shared, track in others:
            if shared.index == console:
                return self._viewer_consoles.get(console) or self._open(shared, track)
        return None

    def _open(self, shared: ConsoleForViewers, track: ConsoleTrack) -> ViewerConsole:
        opened = ViewerConsole(f"{self.name}/{shared.index}", shared, track, on_fault=self._fault)
        self._viewer_consoles[shared.index] = opened
        return opened

    def _tell_consoles(self) -> None:
        first = self._viewer_consoles.get(self._shared_consoles[0].index)
        if first is None:
            return
        told = messages.consoles(
            {
                "consoles": [
                    {
                        "index": shared.index,
                        "section": section if section < len(self._tracks) else None,
                        "label": shared.label,
                        "enabled": shared.enabled,
                    }
                    for section, shared in enumerate(self._shared_consoles)
                    if shared.index in self._present
                ]
            }
        )
        if told != self._told_consoles:
            self._told_consoles = told
            first.send(told)

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
        try:
            await asyncio.gather(*(opened.close() for opened in self._viewer_consoles.values()))
            if self._negotiation is not None:
                # aioice's gathering, cut short, would leave sockets behind; it ends by itself within 5 s.
                await asyncio.wait({self._negotiation})
                # It may have opened the first console only now.
                await asyncio.gather(*(opened.close() for opened in self._viewer_consoles.values()))
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
