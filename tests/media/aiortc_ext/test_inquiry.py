"""Questions to several servers, without a network."""

import asyncio

import pytest

from libvirt_webrtc.config.ice_url import Target
from libvirt_webrtc.media.aiortc_ext import inquiry
from libvirt_webrtc.media.aiortc_ext.inquiry import Inquiry, Server
from tests.media.helpers import soon, until

SERVERS = [Server(Target("turn", host, 3478, "udp")) for host in ("a", "b", "c")]


@pytest.fixture(autouse=True)
def forget() -> None:
    inquiry.forget_faults()


async def test_of_two_that_answer_at_the_same_moment_one_is_told_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else what it gave, an open relay, would be lost."""
    monkeypatch.setattr(inquiry, "NEXT_S", 0)
    answers = asyncio.Event()
    waiting: list[str] = []
    ended: list[str] = []

    async def ask(server: Server) -> str:
        waiting.append(server.target.host)
        try:
            await answers.wait()
        except asyncio.CancelledError:
            ended.append(server.target.host)
            raise
        return server.target.host

    asked = asyncio.create_task(Inquiry(SERVERS).first(ask))
    await until(lambda: len(waiting) == len(SERVERS))
    answers.set()
    assert await soon(asked) == "a"
    assert sorted(ended) == ["b", "c"]


async def test_where_all_fail_there_is_nothing_and_each_is_named(caplog: pytest.LogCaptureFixture) -> None:
    async def ask(server: Server) -> str:
        raise OSError(f"no way to {server.target.host}")

    question = Inquiry(SERVERS)
    assert await soon(question.first(ask)) is None
    question.conclude()
    assert caplog.messages == [
        f"turn:{host}:3478?transport=udp gives this host nothing: no way to {host}"
        for host in ("a", "b", "c")
    ]


async def test_an_inquiry_that_is_cancelled_ends_what_it_asked() -> None:
    ended = asyncio.Event()

    async def ask(server: Server) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    asked = asyncio.create_task(Inquiry(SERVERS).first(ask))
    await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(asked)
    assert ended.is_set()


async def test_there_is_less_time_where_none_gave_anything_the_last_time() -> None:
    async def ask(server: Server) -> str:
        if server is SERVERS[0]:
            raise OSError("down")
        return server.target.host

    question = Inquiry(SERVERS[:1])
    assert question.limit_s == inquiry.ANSWER_S
    await soon(question.first(ask))
    question.conclude()
    assert Inquiry(SERVERS[:1]).limit_s == inquiry.SILENT_ANSWER_S
    assert Inquiry(SERVERS).limit_s == inquiry.ANSWER_S
    question = Inquiry(SERVERS)
    assert await soon(question.first(ask)) == "b", "the one that failed comes last"
