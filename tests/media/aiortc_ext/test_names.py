"""A resolver that hangs, and one that fails."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from libvirt_webrtc.media.aiortc_ext import names
from libvirt_webrtc.media.aiortc_ext.names import addresses
from tests.media.helpers import soon, until

NAMED = "stun.example.org"


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names that were looked up; no lookup ends before the test does."""
    asked: list[str] = []
    ended = threading.Event()

    def getaddrinfo(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(name)
        # The process's end waits for all others, and so for asyncio's own.
        assert threading.current_thread().daemon
        ended.wait(60)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.9", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    ended.set()


async def test_a_resolver_that_hangs_is_asked_once_for_all_who_wait(hanging: list[str]) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.gather(*(addresses(NAMED) for _ in range(3)))
    assert hanging == [NAMED]
    names._lookups[NAMED].cancel()
    await until(lambda: not names._lookups)


async def test_a_name_that_is_unknown_is_looked_up_again_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror("nobody knows it")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        with pytest.raises(OSError, match="nobody knows"):
            await soon(addresses(NAMED))
    assert "127.0.0.1" in await soon(addresses("localhost"))
    assert await soon(addresses("::1")) == ["::1"]
