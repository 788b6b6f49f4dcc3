"""One viewer's connection, against a real aiortc client over loopback."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.errors import ConsoleStarting, GatheringError, MediaError, NegotiationError
from libvirt_webrtc.input import messages
from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.media.aiortc_ext import ice, patches
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.encode import encoder
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.worker import viewer_console as viewer_console_module
from libvirt_webrtc.worker.viewer import Viewer
from libvirt_webrtc.worker.viewer_console import ViewerConsole
from tests.media.helpers import picture, show, soon, until
from tests.worker.viewer_client import ViewerClient

PING = b"\x07\x00\x00\x00\x2a"
WANT_STATS, WANT_NO_STATS = b"\x08\x01", b"\x08\x00"
OWN = [messages.size(64, 48), messages.enabled(True), messages.state(False)]
ONE_HEAD = messages.consoles(
    {"consoles": [{"index": 0, "section": 0, "label": "console 0", "enabled": True}]}
)
GREETING = [*OWN, ONE_HEAD]


class FakeSharedConsole:
    """A console without QEMU."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.label = f"console {index}"
        self.enabled = True
        self.listening = False
        self.fails = False
        self.framebuffer = Framebuffer()
        show(self.framebuffer, picture(64, 48, seed=index))
        self.video = ConsoleVideo(self.framebuffer)
        self.consoles: list[ViewerConsole] = []
        self.asked: list[Resize] = []

    async def listen(self) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise ConsoleStarting("not today")
        self.listening = True

    def greeting(self) -> Iterator[bytes]:
        yield from OWN

    def resize(self, wanted: Resize, answer: Callable[[bool], None]) -> None:
        self.asked.append(wanted)
        answer(self.index == 0)

    def join(self, opened: ViewerConsole) -> None:
        self.consoles.append(opened)

    def leave(self, opened: ViewerConsole) -> None:
        if opened in self.consoles:
            self.consoles.remove(opened)

    def watchers_changed(self) -> None:
        pass

    @property
    def renditions(self) -> int:
        """How many encoders run."""
        return len(self.video.stats().renditions)


class Place:
    """A domain's consoles without QEMU; makes viewers and notes their end."""

    def __init__(self) -> None:
        self.shared_consoles = [FakeSharedConsole(0)]
        self.closed: list[str] = []
        self.viewers: list[Viewer] = []

    @property
    def framebuffer(self) -> Framebuffer:
        return self.shared_consoles[0].framebuffer

    def add(self) -> FakeSharedConsole:
        """One more console, from now on."""
        self.shared_consoles.append(FakeSharedConsole(len(self.shared_consoles)))
        for peer in self.viewers:
            peer.consoles_changed(self.shared_consoles)
        return self.shared_consoles[-1]

    def tell(self, message: bytes) -> None:
        """As the first console tells everybody who has it open."""
        for opened in list(self.shared_consoles[0].consoles):
            opened.send(message)

    def peer(self, *ice_servers: IceServer) -> Viewer:
        made = Viewer(
            f"viewer {len(self.viewers)}",
            self.shared_consoles,
            ice_servers=ice_servers,
            on_closed=lambda peer: self.closed.append(peer.name),
        )
        self.viewers.append(made)
        return made

    async def close(self) -> None:
        await asyncio.gather(*(peer.close() for peer in self.viewers))
        await asyncio.gather(*(shared.video.close() for shared in self.shared_consoles))


@pytest.fixture(autouse=True)
def patched_aiortc() -> Iterator[None]:
    patches.install()
    yield
    ice.set_host_addresses(None)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    await made.close()


@pytest.fixture
async def viewer() -> AsyncIterator[ViewerClient]:
    async with ViewerClient() as made:
        yield made


async def connect(place: Place, viewer: ViewerClient) -> Viewer:
    peer = place.peer()
    await viewer.take(await soon(peer.answer(await viewer.offer())))
    await until(lambda: len(viewer.received) >= len(GREETING))
    return peer


async def test_a_viewer_is_greeted_and_sees_the_picture(place: Place, viewer: ViewerClient) -> None:
    peer = await connect(place, viewer)
    assert viewer.received == GREETING
    viewer.channels["input"].send(PING)
    await until(lambda: viewer.received[-1] == b"\x87" + PING[1:])
    await until(lambda: viewer.frames > 0)
    await soon(asyncio.gather(peer.close(), peer.close()))
    await peer.close()
    assert place.closed == [peer.name]
    await soon(viewer.ended.wait())


async def test_messages_before_the_display_channel_is_open_are_left_out(place: Place) -> None:
    async with ViewerClient(channels=("input",)) as viewer:
        peer = place.peer()
        answer = await soon(peer.answer(await viewer.offer()))
        place.tell(messages.state(True))
        await viewer.take(answer)
        await until(lambda: viewer.connection.connectionState == "connected")
        place.tell(messages.state(True))
        await peer.close()


async def test_a_viewer_that_wants_stats_is_told_them_until_it_does_not(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer_console_module, "STATS_INTERVAL_S", 0.01)
    await connect(place, viewer)
    await until(lambda: viewer.frames > 0)
    assert messages.STATS not in viewer.types
    viewer.channels["input"].send(WANT_STATS)
    await until(lambda: viewer.types.count(messages.STATS) > 2)
    told = json.loads(viewer.received[-1][1:])
    assert told["viewer"]["frames"] > 0 and told["viewer"]["keyframes"] > 0
    assert (told["rendition"]["width"], told["rendition"]["height"], told["rendition"]["viewers"]) == (
        64,
        48,
        1,
    )
    assert told["rendition"]["encoder"]
    assert (told["rendition"]["format"], told["rendition"]["layer"]) == (
        told["viewer"]["format"],
        told["viewer"]["layer"],
    )
    viewer.channels["input"].send(WANT_NO_STATS)
    viewer.channels["input"].send(PING)
    await until(lambda: viewer.types[-1] == messages.PONG)
    count = len(viewer.received)
    await asyncio.sleep(0.1)
    assert len(viewer.received) == count


async def test_a_viewer_that_leaves_is_closed_once(place: Place, viewer: ViewerClient) -> None:
    peer = await connect(place, viewer)
    await viewer.connection.close()
    await until(lambda: place.closed == [peer.name])


async def test_a_viewer_that_never_connects_is_given_up(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONNECT_S", 0.05)
    peer = place.peer()
    await soon(peer.answer(await viewer.offer()))
    await until(lambda: place.closed == [peer.name])


async def test_a_connected_viewer_is_not_given_up(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONNECT_S", 1.0)
    await connect(place, viewer)
    frames = viewer.frames
    await asyncio.sleep(1.2)
    assert place.closed == [] and viewer.frames >= frames


@pytest.mark.parametrize("message", [b"", b"\xff", b"\x02\x00", "text"], ids=repr)
async def test_nonsense_on_the_input_channel_ends_that_viewer_only(
    place: Place, viewer: ViewerClient, message: bytes | str
) -> None:
    async with ViewerClient() as other:
        bad, good = await connect(place, viewer), await connect(place, other)
        viewer.channels["input"].send(message)
        await until(lambda: place.closed == [bad.name])
        place.tell(messages.state(True))
        await until(lambda: other.received[-1] == messages.state(True))
        assert place.closed == [bad.name] and good.name not in place.closed


@pytest.mark.parametrize(
    "labels", [("input", "display", "other"), ("display", "display"), ("display", "input/1"), ("input/0",)]
)
async def test_an_unknown_or_second_channel_ends_that_viewer(place: Place, labels: tuple[str, ...]) -> None:
    async with ViewerClient(channels=("display",)) as viewer:
        for label in labels:
            viewer.connection.createDataChannel(label)
        peer = place.peer()
        await viewer.take(await soon(peer.answer(await viewer.offer())))
        await until(lambda: place.closed == [peer.name])


async def test_a_message_larger_than_the_viewer_takes_is_left_out(place: Place, viewer: ViewerClient) -> None:
    """A viewer could otherwise raise into the display's reader, and so end everybody's picture."""
    peer = place.peer()
    offer = await viewer.offer()
    assert "a=max-message-size:" in offer
    lines = ["a=max-message-size:300" if "max-message" in line else line for line in offer.split("\r\n")]
    await viewer.take(await soon(peer.answer("\r\n".join(lines))))
    await until(lambda: len(viewer.received) >= len(GREETING))
    place.tell(messages.cursor(16, 16, 0, 0, bytes(16 * 16 * 4)))
    place.tell(messages.state(True))
    await until(lambda: viewer.received[len(GREETING) :] == [messages.state(True)])
    assert place.closed == []


async def test_a_viewer_that_does_not_read_is_disconnected(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer_console_module, "MAX_BUFFERED_BYTES", 100_000)
    peer = await connect(place, viewer)
    for _ in range(200):
        place.tell(messages.cursor(100, 100, 0, 0, bytes(40_000)))
    await until(lambda: place.closed == [peer.name])


async def test_a_failed_encoder_disconnects_its_viewers(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that their pages come back, to a new encoder."""

    def fail(*_: object, **__: object) -> None:
        raise MediaError("no encoder today")

    peer = await connect(place, viewer)
    await until(lambda: viewer.frames > 0)
    monkeypatch.setattr(encoder.VideoEncoder, "encode", fail)
    show(place.framebuffer, picture(64, 48, seed=3))
    await until(lambda: place.closed == [peer.name])
    monkeypatch.undo()
    async with ViewerClient() as again:
        await connect(place, again)
        await until(lambda: again.frames > 0)


REFUSED: dict[str, Callable[[str], str]] = {
    "not SDP": lambda sdp: "hello",
    "empty": lambda sdp: "",
    "no video": lambda sdp: "v=0\r\n",
    "cut": lambda sdp: sdp[: sdp.index("a=fingerprint")],
    "no ICE": lambda sdp: "\r\n".join(line for line in sdp.split("\r\n") if "a=ice-" not in line),
    "too many sections": lambda sdp: sdp + "m=video 9 UDP/TLS/RTP/SAVPF 99\r\n" * 5,
    "sections behind odd line ends": lambda sdp: sdp + "a=x\x0bm=video 9 UDP/TLS/RTP/SAVPF 99" * 5 + "\r\n",
    "too many candidates": lambda sdp: sdp + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 65,
    "odd candidate": lambda sdp: sdp + "a=candidate:x y z\r\n",
    "no codec of ours": lambda sdp: sdp.replace("H264", "AV9").replace("VP8", "AV8"),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_a_refused_offer_leaves_nothing(place: Place, viewer: ViewerClient, why: str) -> None:
    offer = await viewer.offer()
    before = len(os.listdir("/proc/self/fd"))
    peer = place.peer()
    with pytest.raises(NegotiationError):
        await soon(peer.answer(REFUSED[why](offer)))
    await until(lambda: place.closed == [peer.name])
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


@pytest.mark.parametrize("url", ["turn:", "stun:", "turn:host:port", "stun:h?transport=udp"])
async def test_a_bad_ice_server_refuses_the_offer(place: Place, viewer: ViewerClient, url: str) -> None:
    peer = place.peer(IceServer((url,), "u", "c"))
    with pytest.raises(NegotiationError):
        await soon(peer.answer(await viewer.offer()))
    await until(lambda: place.closed == [peer.name])


async def test_a_turn_server_that_is_not_there_costs_only_its_candidates(
    place: Place, viewer: ViewerClient
) -> None:
    peer = place.peer(IceServer(("turn:127.0.0.1:9?transport=tcp",), "u", "c"))
    assert "typ host" in await soon(peer.answer(await viewer.offer()))


async def test_gathering_that_takes_too_long_refuses_the_offer(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The TURN server is silent; aioice gives it up after 5 s, and only then can the sockets be closed."""
    monkeypatch.setattr(limits, "GATHER_S", 0.2)
    silent, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    port = silent.get_extra_info("sockname")[1]
    peer = place.peer(IceServer((f"turn:127.0.0.1:{port}",), "u", "c"))
    with pytest.raises(GatheringError, match="TURN server"):
        await soon(peer.answer(await viewer.offer()))
    assert place.closed == []
    await soon(peer.close())
    silent.close()
    assert place.closed == [peer.name]


@pytest.mark.parametrize("turns", range(12))
async def test_a_viewer_closed_while_it_is_answered(place: Place, viewer: ViewerClient, turns: int) -> None:
    offer = await viewer.offer()
    peer = place.peer()
    answering = asyncio.create_task(peer.answer(offer))
    for _ in range(turns * 3):
        await asyncio.sleep(0)
    closing = asyncio.create_task(peer.close())
    try:
        await soon(answering)
    except NegotiationError:
        pass
    await soon(closing)
    assert place.closed == [peer.name]


@pytest.mark.parametrize("turns", range(5))
async def test_an_answer_that_is_cancelled_closes_the_viewer(
    place: Place, viewer: ViewerClient, turns: int
) -> None:
    peer = place.peer()
    answering = asyncio.create_task(peer.answer(await viewer.offer()))
    for _ in range(turns * 3 + 1):
        await asyncio.sleep(0)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(answering)
    await until(lambda: place.closed == [peer.name])
