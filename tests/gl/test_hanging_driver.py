"""A graphics driver that hangs: QEMU is answered, the page is told, and nobody waits for ever."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from dbus_fast import MessageType

from libvirt_webrtc.display import card_surface, scanout
from libvirt_webrtc.display.gl import thread
from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.errors import GraphicsError, PictureLost
from tests.display.peer import open_fds
from tests.gl.guest import HEIGHT, WIDTH, Guest
from tests.gl.memory import Memory, picture
from tests.media.helpers import until

A_HUNG_PROCESS = """
import sys, threading
from libvirt_webrtc.display.gl.context import Context
from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency

hangs = threading.Event()

def hang(*_):
    hangs.set()
    threading.Event().wait()

Context.open = hang
thread = GraphicsThread()
thread.submit(Urgency.QEMU, lambda _: None)
hangs.wait()
thread.close()
print("closed")
"""


@pytest.fixture
def hang(own_graphics: GraphicsThread) -> Iterator[threading.Event]:
    """Set it, and the job of a driver that hangs comes to its end. Take it after the test's first scanout."""
    release = threading.Event()
    yield release
    release.set()


def begin_to_hang(graphics: GraphicsThread, release: threading.Event) -> None:
    """Returns when the driver hangs."""
    begun = threading.Event()

    def job(_: object) -> None:
        begun.set()
        release.wait()

    graphics.submit(Urgency.QEMU, job)
    assert begun.wait(30)


async def test_an_update_is_answered_and_the_page_is_told_until_it_goes_on(
    own_guest: Guest,
    own_graphics: GraphicsThread,
    memory: Memory,
    hang: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await own_guest.scanout(memory.fd)
    await own_guest.update()
    monkeypatch.setattr(scanout, "ANSWER_S", 0.05)
    monkeypatch.setattr(scanout, "HUNG_S", 0.1)
    begin_to_hang(own_graphics, hang)
    answer = await own_guest.peer.ask("UpdateDMABUF", "iiii", 0, 0, WIDTH, HEIGHT)
    assert answer.message_type is MessageType.METHOD_RETURN
    await until(lambda: "the graphics driver has not answered" in own_guest.problem)
    hang.set()
    await until(lambda: own_guest.problem == "")


async def test_an_encoder_does_not_wait_for_ever(
    own_guest: Guest,
    own_graphics: GraphicsThread,
    memory: Memory,
    hang: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await own_guest.scanout(memory.fd)
    await own_guest.shown()
    begin_to_hang(own_graphics, hang)
    monkeypatch.setattr(card_surface, "READ_S", 0.1)
    with pytest.raises(PictureLost, match="has not answered"):
        await own_guest.furthest(picture(WIDTH, HEIGHT))
    monkeypatch.undo()
    hang.set()
    assert await own_guest.furthest(picture(WIDTH, HEIGHT)) <= 1


async def test_scanouts_do_not_pile_up_with_their_descriptors(
    own_guest: Guest, own_graphics: GraphicsThread, memory: Memory, hang: threading.Event
) -> None:
    await own_guest.scanout(memory.fd)
    await own_guest.shown()
    before = open_fds()
    begin_to_hang(own_graphics, hang)
    for _ in range(3 * thread.MAX_WAITING):
        await own_guest.scanout(memory.fd)
        await own_guest.peer.settle()
    assert open_fds() <= before + thread.MAX_WAITING
    await until(lambda: "does not keep up" in own_guest.problem)
    hang.set()
    await own_guest.scanout(memory.fd)
    await until(lambda: own_guest.problem == "")


async def test_closing_is_bounded_and_fails_what_waits(
    own_graphics: GraphicsThread, hang: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread, "END_S", 0.1)
    begin_to_hang(own_graphics, hang)
    waiting = own_graphics.submit(Urgency.ENCODER, lambda _: None)
    own_graphics.close()
    with pytest.raises(GraphicsError, match="not used any more"):
        waiting.result(0)


def test_a_process_whose_driver_hangs_ends(software: None) -> None:
    done = subprocess.run(
        [sys.executable, "-c", A_HUNG_PROCESS], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "closed\n"


async def test_a_flood_of_unexpected_errors_is_one_traceback(
    own_graphics: GraphicsThread, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ValueError("as no driver does")

    for _ in range(50):
        with pytest.raises(GraphicsError, match="as no driver does"):
            own_graphics.submit(Urgency.QEMU, fail).result()
    assert [record.message for record in caplog.records if record.exc_info] == ["OpenGL: unexpected"]


async def test_a_surface_that_outlives_opengl_says_that_it_is_lost(
    own_guest: Guest, own_graphics: GraphicsThread, memory: Memory
) -> None:
    await own_guest.scanout(memory.fd)
    await own_guest.shown()
    own_graphics.close()
    own_graphics.close()
    with pytest.raises(PictureLost):
        await own_guest.furthest(picture(WIDTH, HEIGHT))
    with pytest.raises(GraphicsError):
        own_graphics.submit(Urgency.QEMU, lambda _: None).result()
