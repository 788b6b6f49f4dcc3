import pytest

from libvirt_webrtc.errors import WorkerGone
from libvirt_webrtc.portal.auth import sessions as module
from libvirt_webrtc.portal.auth.sessions import ABSOLUTE_S, IDLE_S, OpenConsole, Session, Sessions
from tests.portal.fakes import UUID, FakeAgent, FakeClock


@pytest.fixture
def sessions(agent: FakeAgent, clock: FakeClock) -> Sessions:
    return Sessions(agent, clock)


def found(sessions: Sessions, cookie: str) -> Session:
    session = sessions.find(cookie)
    assert session is not None
    return session


async def opened(agent: FakeAgent) -> OpenConsole:
    answer = await agent.offer(UUID, 0, "v=0")
    return OpenConsole(UUID, 0, answer.viewer)


async def test_an_idle_session_ends(sessions: Sessions, clock: FakeClock) -> None:
    cookie = await sessions.start()
    session = found(sessions, cookie)
    clock.now += IDLE_S
    assert sessions.find(cookie) is None
    await sessions.sweep()
    assert session.ended.is_set() and len(sessions) == 0


async def test_use_keeps_a_session_until_its_absolute_end(sessions: Sessions, clock: FakeClock) -> None:
    cookie = await sessions.start()
    for _ in range(int(ABSOLUTE_S / (IDLE_S - 1))):
        clock.now += IDLE_S - 1
        found(sessions, cookie)
    clock.now += IDLE_S - 1
    assert sessions.find(cookie) is None


async def test_a_stream_keeps_a_session_from_being_idle(sessions: Sessions, clock: FakeClock) -> None:
    cookie = await sessions.start()
    with found(sessions, cookie).streaming():
        clock.now += ABSOLUTE_S - 1
        found(sessions, cookie)


async def test_a_session_is_idle_from_the_end_of_its_last_stream_on(
    sessions: Sessions, clock: FakeClock
) -> None:
    cookie = await sessions.start()
    with found(sessions, cookie).streaming():
        clock.now += 3 * IDLE_S
    clock.now += IDLE_S - 1
    found(sessions, cookie)


async def test_a_console_whose_viewer_vanished_keeps_no_session(
    sessions: Sessions, agent: FakeAgent, clock: FakeClock
) -> None:
    cookie = await sessions.start()
    session = found(sessions, cookie)
    await sessions.add_console(session, await opened(agent))
    clock.now += 3 * IDLE_S
    await sessions.sweep()
    assert found(sessions, cookie).consoles
    clock.now += 3 * IDLE_S
    agent.viewers.clear()
    await sessions.sweep()
    assert not session.consoles
    # Idle from now on, not since the last request.
    clock.now += IDLE_S - 1
    await sessions.sweep()
    assert not session.ended.is_set()
    clock.now += 1
    await sessions.sweep()
    assert session.ended.is_set()


async def test_viewers_of_the_token_itself_are_forgotten_too(sessions: Sessions, agent: FakeAgent) -> None:
    await sessions.add_console(sessions.bearer, await opened(agent))
    agent.viewers.clear()
    await sessions.sweep()
    assert not sessions.bearer.consoles


async def test_an_agent_that_cannot_tell_ends_no_console(sessions: Sessions, agent: FakeAgent) -> None:
    session = found(sessions, await sessions.start())
    await sessions.add_console(session, await opened(agent))
    agent.close_error = WorkerGone("gone")
    await sessions.sweep()
    assert session.consoles


async def test_an_open_console_keeps_a_session_and_ends_with_it(
    sessions: Sessions, agent: FakeAgent, clock: FakeClock
) -> None:
    cookie = await sessions.start()
    assert await sessions.add_console(found(sessions, cookie), await opened(agent))
    clock.now += ABSOLUTE_S - 1
    await sessions.sweep()
    assert agent.viewers
    clock.now += 1
    await sessions.sweep()
    assert not agent.viewers


async def test_a_console_that_opens_after_the_end_is_closed(sessions: Sessions, agent: FakeAgent) -> None:
    cookie = await sessions.start()
    session = found(sessions, cookie)
    await sessions.end(cookie)
    assert not await sessions.add_console(session, await opened(agent))
    assert not agent.viewers


async def test_a_session_ends_even_where_a_worker_is_gone(sessions: Sessions, agent: FakeAgent) -> None:
    cookie = await sessions.start()
    await sessions.add_console(found(sessions, cookie), await opened(agent))
    agent.close_error = WorkerGone("gone")
    await sessions.end(cookie)
    assert sessions.find(cookie) is None
    await sessions.end(cookie)


async def test_the_number_of_sessions_is_bounded(
    sessions: Sessions, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    first, second = await sessions.start(), await sessions.start()
    clock.now += 1
    found(sessions, first)
    third = await sessions.start()
    assert sessions.find(second) is None
    assert sessions.find(first) and sessions.find(third)


async def test_the_number_of_consoles_is_bounded(
    sessions: Sessions, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CONSOLES", 2)
    for _ in range(3):
        await sessions.add_console(sessions.bearer, await opened(agent))
    assert list(agent.viewers) == ["viewer2", "viewer3"]


async def test_closing_ends_all_sessions_and_leaves_consoles_to_the_agent(
    sessions: Sessions, agent: FakeAgent
) -> None:
    session = found(sessions, await sessions.start())
    await sessions.add_console(session, await opened(agent))
    sessions.close()
    assert session.ended.is_set() and sessions.bearer.ended.is_set()
    assert agent.viewers


async def test_cookies_differ(sessions: Sessions) -> None:
    assert len({await sessions.start() for _ in range(50)}) == 50
