"""What a guest changes reaches a viewer at a bounded rate, and the last of it always."""

from libvirt_webrtc.worker.announcer import BYTES_PER_S, INTERVAL_S, MAX_BUFFERED_BYTES, Announcer
from tests.worker.input_viewer import Clock


class Path:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.buffered = 0
        self.announcer = Announcer(self.sent.append, lambda: self.buffered)

    def tell(self, kind: int, message: bytes) -> None:
        self.announcer.tell(kind, lambda: message)


async def test_the_first_is_sent_at_once_and_of_a_flood_the_newest() -> None:
    clock, path = Clock(), Path()
    for number in range(100):
        path.tell(1, bytes([number]))
    path.tell(2, b"other")
    assert path.sent == [b"\x00", b"other"]
    await clock.advance(INTERVAL_S)
    assert path.sent == [b"\x00", b"other", b"\x63"]
    await clock.advance(60)
    assert len(path.sent) == 3
    path.tell(1, b"\xff")
    assert path.sent[-1] == b"\xff"


async def test_large_messages_are_rarer_and_hold_up_no_others() -> None:
    clock, path = Clock(), Path()
    large = bytes(BYTES_PER_S)
    path.tell(1, large)
    path.tell(1, b"next")
    await clock.advance(0.9)
    path.tell(2, b"other")
    assert path.sent == [large, b"other"]
    await clock.advance(0.2)
    assert path.sent[-1] == b"next"


async def test_what_waits_for_a_narrow_path_is_only_the_newest() -> None:
    clock, path = Clock(), Path()
    path.buffered = MAX_BUFFERED_BYTES + 1
    for number in range(200):
        path.tell(1, bytes([number]))
        await clock.advance(INTERVAL_S)
    assert path.sent == []
    path.buffered = 0
    await clock.advance(INTERVAL_S)
    assert path.sent == [b"\xc7"]


async def test_nothing_is_sent_after_close() -> None:
    clock, path = Clock(), Path()
    path.tell(1, b"a")
    path.tell(1, b"b")
    path.announcer.close()
    await clock.advance(1)
    assert path.sent == [b"a"]
