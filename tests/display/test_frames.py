"""Messages of all sizes, in all pieces."""

import asyncio
import struct

import pytest

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.dispatcher import MAX_BODY_BYTES
from libvirt_webrtc.display.exports import MAX_FRAME_BYTES
from libvirt_webrtc.display.transport import READ_BUFFER_BYTES
from tests.display.peer import FakeQemu, open_fds
from tests.display.recorder import Recorder, frame
from tests.media.helpers import until


@pytest.mark.parametrize("size", [0, 100, READ_BUFFER_BYTES - 200, READ_BUFFER_BYTES, 3 << 20])
async def test_frames_of_all_sizes_come_whole(
    size: int, peer: FakeQemu, bus: Bus, recorder: Recorder
) -> None:
    for _ in range(3):
        await peer.send(frame(peer, size))
    assert (await peer.ask("Echo", "s", "after")).body == ["after"]
    pixels = bytes(range(256)) * (size // 256 + 1)
    assert recorder.frames == [struct.pack("<II", 1, len(pixels)) + pixels] * 3


async def test_messages_in_single_bytes_are_put_together(
    peer: FakeQemu, bus: Bus, recorder: Recorder
) -> None:
    for byte in frame(peer, 100) + peer.message("Echo", "s", "x", reply=True):
        await peer.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await peer.receive()).body == ["x"]
    assert len(recorder.frames) == 1


async def test_an_oversized_message_ends_the_connection(peer: FakeQemu, bus: Bus) -> None:
    data = bytearray(peer.message("Echo", "s", "x"))
    struct.pack_into("<I", data, 4, MAX_BODY_BYTES + 1)
    await peer.send(bytes(data))
    assert "at most" in str(await bus.wait_closed())


async def test_an_oversized_frame_is_thrown_away_and_told_and_the_next_is_taken(
    peer: FakeQemu, bus: Bus, recorder: Recorder, null: int
) -> None:
    """QEMU sends pictures beyond the protocol's limit where the guest's mode is that large."""
    before = open_fds()
    for size in (100 << 10, READ_BUFFER_BYTES // 2):
        # Announced as too large, in pieces, the last with the next message in it.
        data = bytearray(peer.message("Small", "uay", 1, bytes(size), fds=1))
        extra = (1 << 20) + 5
        data[4:8] = (int.from_bytes(data[4:8], "little") + extra).to_bytes(4, "little")
        await peer.send(bytes(data), (null,))
        await peer.send(bytes(extra) + peer.message("Small", "uay", 2, b"abc"))
        await peer.settle()
    assert recorder.frames == [struct.pack("<II", 2, 3) + b"abc"] * 2
    assert bus.rejected == 2 and open_fds() == before


async def test_the_frames_owner_is_told_of_one_that_is_oversized(
    peer: FakeQemu, bus: Bus, recorder: Recorder
) -> None:
    data = bytearray(frame(peer, 0))
    struct.pack_into("<I", data, 4, MAX_FRAME_BYTES + 1)
    await peer.send(bytes(data))
    await until(lambda: bool(recorder.oversized))
    assert recorder.oversized == [MAX_FRAME_BYTES + 1] and not bus.closed
