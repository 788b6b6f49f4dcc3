"""What a hostile peer can have logged is bounded."""

import logging
import subprocess
import sys

import pytest

from libvirt_webrtc.logs import LimitedLibraries, LimitedLogger

logger = logging.getLogger("libvirt_webrtc.test")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_flood_is_one_line_a_period_with_a_count(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    limited = LimitedLogger(logger, period_s=60, clock=clock)
    for number in range(10_000):
        limited.warning("bad %s", number)
    clock.now += 61
    limited.warning("bad again")
    assert caplog.messages == ["bad 0", "bad again (9999 more in the last 61 s)"]


def test_rare_messages_are_all_logged(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    limited = LimitedLogger(logger, period_s=60, clock=clock)
    for number in range(3):
        limited.warning("bad %s", number)
        clock.now += 60
    assert caplog.messages == ["bad 0", "bad 1", "bad 2"]


def test_a_traceback_is_logged_with_the_line(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    LimitedLogger(logger, clock=clock).warning("unexpected", exc_info=ValueError("why"))
    assert "ValueError: why" in caplog.text


def test_a_percent_sign_in_a_message_without_arguments_is_kept(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    limited = LimitedLogger(logger, period_s=60, clock=clock)
    limited.warning("100%")
    limited.warning("left out")
    clock.now += 60
    limited.warning("100%")
    assert caplog.messages == ["100%", "100% (1 more in the last 60 s)"]


def test_a_library_that_a_viewer_can_make_talk_is_limited(clock: Clock) -> None:
    limit = LimitedLibraries(period_s=60, clock=clock)

    def passes(name: str) -> bool:
        return bool(limit.filter(logging.LogRecord(name, logging.WARNING, "", 0, "text", (), None)))

    assert [passes("aiortc.rtcdtlstransport") for _ in range(3)] == [True, False, False]
    assert (
        passes("aioice.ice") and passes("libvirt_webrtc.worker.main") and passes("libvirt_webrtc.worker.main")
    )
    clock.now += 60
    assert passes("aiortc.rtcrtpsender")


TALKS = """
import logging
from libvirt_webrtc import logs
logs.set_up(logging.INFO, origin="100% demo")
for number in range(1000):
    logging.getLogger("aiortc.rtcsctptransport").warning("bad %s", number)
    logging.getLogger("aiohttp.server").error("Cookie: secret %s", number)
    logging.getLogger("asyncio").error("socket.accept() out of system resource\\nsocket: %s", number)
logging.getLogger("libvirt_webrtc").info("ours")
"""


def test_the_service_and_its_workers_limit_what_libraries_say() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TALKS], capture_output=True, text=True, timeout=60, check=True
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("socket: ")]
    assert [line.partition(" demo: ")[2] for line in lines] == [
        "aiortc.rtcsctptransport: bad 0",
        "asyncio: socket.accept() out of system resource",
        "libvirt_webrtc: ours",
    ]
