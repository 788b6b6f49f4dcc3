import asyncio

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.errors import WorkerGone
from libvirt_webrtc.portal.auth import sessions as module
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S, IDLE_S, OpenConsole, Session
from libvirt_webrtc.portal.auth.sessions import Sessions, SessionSecrets
from libvirt_webrtc.portal.auth.user import TOKEN_USER, Limit, Method, User
from tests.media.helpers import soon, until
from tests.portal.fakes import UUID, FakeAgent, FakeClock
from tests.support.grants import ADMIN


@pytest.fixture
def sessions(agent: FakeAgent, clock: FakeClock) -> Sessions:
    return Sessions(agent, clock)


def found(sessions: Sessions, made: SessionSecrets) -> Session:
    session = sessions.find(made.cookie, made.key)
    assert session is not None
    return session


async def opened(agent: FakeAgent) -> OpenConsole:
    answer = await agent.offer(UUID, 0, "v=0", ADMIN)
    return OpenConsole(UUID, 0, answer.viewer, ADMIN.role)


async def test_an_idle_session_ends(sessions: Sessions, clock: FakeClock) -> None:
    made = await sessions.start(TOKEN_USER)
    session = found(sessions, made)
    clock.now += IDLE_S
    assert sessions.find(made.cookie, made.key) is None
    await sessions.sweep()
    assert session.ended.is_set() and len(sessions) == 0


async def test_use_keeps_a_session_until_its_absolute_end(sessions: Sessions, clock: FakeClock) -> None:
    made = await sessions.start(TOKEN_USER)
    for _ in range(int(ABSOLUTE_S / (IDLE_S - 1))):
        clock.now += IDLE_S - 1
        found(sessions, made)
    clock.now += IDLE_S - 1
    assert sessions.find(made.cookie, made.key) is None


async def test_a_stream_keeps_a_session_from_being_idle(sessions: Sessions, clock: FakeClock) -> None:
    made = await sessions.start(TOKEN_USER)
    with found(sessions, made).streaming():
        clock.now += ABSOLUTE_S - 1
        found(sessions, made)


async def test_a_session_is_idle_from_the_end_of_its_last_stream_on(
    sessions: Sessions, clock: FakeClock
) -> None:
    made = await sessions.start(TOKEN_USER)
    with found(sessions, made).streaming():
        clock.now += 3 * IDLE_S
    clock.now += IDLE_S - 1
    found(sessions, made)


async def test_a_console_whose_viewer_vanished_keeps_no_session(
    sessions: Sessions, agent: FakeAgent, clock: FakeClock
) -> None:
    made = await sessions.start(TOKEN_USER)
    session = found(sessions, made)
    await sessions.add_console(session, await opened(agent))
    clock.now += 3 * IDLE_S
    await sessions.sweep()
    assert found(sessions, made).consoles
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
    session = found(sessions, await sessions.start(TOKEN_USER))
    await sessions.add_console(session, await opened(agent))
    agent.close_error = WorkerGone("gone")
    await sessions.sweep()
    assert session.consoles


async def test_an_open_console_keeps_a_session_and_ends_with_it(
    sessions: Sessions, agent: FakeAgent, clock: FakeClock
) -> None:
    made = await sessions.start(TOKEN_USER)
    assert await sessions.add_console(found(sessions, made), await opened(agent))
    clock.now += ABSOLUTE_S - 1
    await sessions.sweep()
    assert agent.viewers
    clock.now += 1
    await sessions.sweep()
    assert not agent.viewers


async def test_a_console_that_opens_after_the_end_is_closed(sessions: Sessions, agent: FakeAgent) -> None:
    made = await sessions.start(TOKEN_USER)
    session = found(sessions, made)
    await sessions.end(made.cookie)
    assert not await sessions.add_console(session, await opened(agent))
    assert not agent.viewers


async def test_a_session_ends_even_where_a_worker_is_gone(sessions: Sessions, agent: FakeAgent) -> None:
    made = await sessions.start(TOKEN_USER)
    await sessions.add_console(found(sessions, made), await opened(agent))
    agent.close_error = WorkerGone("gone")
    await sessions.end(made.cookie)
    assert sessions.find(made.cookie, made.key) is None
    await sessions.end(made.cookie)


@pytest.mark.parametrize("way", ["end", "end where", "sweep"])
async def test_a_worker_that_does_not_answer_delays_no_end(
    sessions: Sessions, agent: FakeAgent, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(module, "CLOSE_WAIT_S", 0.0)
    agent.answering[UUID] = asyncio.Event()
    made = await sessions.start(TOKEN_USER)
    session = found(sessions, made)
    await sessions.add_console(session, await opened(agent))
    if way == "end":
        await soon(sessions.end(made.cookie))
    elif way == "end where":
        assert await soon(sessions.end_where(lambda each: each is session)) == 1
    else:
        clock.now += ABSOLUTE_S
        await soon(sessions.sweep())
    assert session.ended.is_set() and agent.viewers
    agent.answering[UUID].set()
    await until(lambda: not agent.viewers)


async def test_the_number_of_sessions_is_bounded(
    sessions: Sessions, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    first, second = await sessions.start(TOKEN_USER), await sessions.start(TOKEN_USER)
    clock.now += 1
    found(sessions, first)
    third = await sessions.start(TOKEN_USER)
    assert sessions.pages(second.cookie) is None
    assert sessions.pages(first.cookie) is not None and sessions.pages(third.cookie) is not None


async def test_nobody_pushes_out_others_sessions_not_even_by_links(
    sessions: Sessions, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 3)
    ann, bob = User("ann", Method.PAM), User("bob", Method.PAM)
    first, second = await sessions.start(ann), await sessions.start(bob)
    for number in range(4):
        clock.now += 1
        limit = Limit(Role.VIEW, (UUID,), bob, str(number))
        await sessions.start(User(f"link {number}", Method.LINK, limit=limit))
    assert sessions.find(first.cookie, first.key) is not None
    assert sessions.find(second.cookie, second.key) is None
    assert len(sessions) == 3


async def test_who_opens_a_link_again_and_again_signs_out_neither_its_maker_nor_who_uses_it(
    sessions: Sessions, clock: FakeClock
) -> None:
    ann = User("ann", Method.PAM)
    maker = found(sessions, await sessions.start(ann))
    link = User("link 0", Method.LINK, limit=Limit(Role.VIEW, (UUID,), ann, "0"))
    guest = found(sessions, await sessions.start(link))
    with guest.streaming():
        for _ in range(module.MAX_SESSIONS):
            clock.now += 1
            await sessions.start(link)
        assert not maker.ended.is_set() and not guest.ended.is_set()
        assert len(sessions) == module.MAX_SESSIONS


async def test_a_new_session_does_not_make_room_for_itself(
    sessions: Sessions, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 1)
    first = found(sessions, await sessions.start(TOKEN_USER))
    with first.streaming():
        clock.now += 1
        second = found(sessions, await sessions.start(TOKEN_USER))
    assert first.ended.is_set() and not second.ended.is_set()


async def test_the_number_of_consoles_is_bounded(
    sessions: Sessions, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CONSOLES", 2)
    for _ in range(3):
        await sessions.add_console(sessions.bearer, await opened(agent))
    assert list(agent.viewers) == ["viewer2", "viewer3"]


async def test_closing_ends_streams_and_signs_nobody_out(sessions: Sessions, agent: FakeAgent) -> None:
    made = await sessions.start(TOKEN_USER)
    session = found(sessions, made)
    await sessions.add_console(session, await opened(agent))
    await sessions.close()
    assert session.leave.is_set() and sessions.bearer.leave.is_set()
    # A request that is still answered must not send its page to the login.
    assert not session.ended.is_set() and found(sessions, made) is session
    assert agent.viewers


async def test_cookies_and_keys_differ(sessions: Sessions) -> None:
    made = [await sessions.start(TOKEN_USER) for _ in range(50)]
    assert len({one.cookie for one in made} | {one.key for one in made}) == 100


async def test_a_session_is_found_by_its_cookie_with_its_own_key_only(sessions: Sessions) -> None:
    first, second = await sessions.start(TOKEN_USER), await sessions.start(TOKEN_USER)
    for key in ("", second.key, first.cookie, "\udfff"):
        assert sessions.find(first.cookie, key) is None
    assert (
        sessions.pages(first.cookie) is not None
        and sessions.pages(first.key) is None
        and sessions.pages("") is None
    )


async def test_a_cookie_alone_keeps_no_session_alive(sessions: Sessions, clock: FakeClock) -> None:
    made = await sessions.start(TOKEN_USER)
    clock.now += IDLE_S - 1
    assert sessions.pages(made.cookie) is not None and sessions.find(made.cookie, "") is None
    clock.now += 1
    assert sessions.pages(made.cookie) is None


async def test_a_session_ends_when_its_access_does(sessions: Sessions, clock: FakeClock) -> None:
    """And so do its viewers: their grants say when."""
    made = await sessions.start(TOKEN_USER, ends=clock.now + 60)
    session = found(sessions, made)
    assert session.grant(Role.VIEW).until == clock.now + 60
    clock.now += 60
    assert sessions.find(made.cookie, made.key) is None
    later = found(sessions, await sessions.start(TOKEN_USER, ends=clock.now + 2 * ABSOLUTE_S))
    assert later.grant(Role.VIEW).until == clock.now + ABSOLUTE_S
    assert sessions.bearer.grant(Role.ADMIN).until is None
