"""API tokens at the portal: what a program with one may do, and how that ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.portal.auth.failures import MAX_OF_PAIR
from libvirt_webrtc.portal.issued.api_tokens import ApiTokens
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.live import LOOK_S
from libvirt_webrtc.portal.issued.secret_text import TOKEN_PREFIX, new_secret
from tests.portal.fakes import OTHER_UUID, UUID, FakeAgent, Served, Viewer, refusal

LIMIT_S = 30.0


@pytest.fixture
def tokens(issued_folder: Path) -> ApiTokens:
    """What the command line has, while the portal runs."""
    return ApiTokens(issued_folder, Clocks.of_system())


@pytest.fixture
async def program(server: Served, tokens: ApiTokens) -> AsyncIterator[Viewer]:
    """A program with a token to control the domain ``demo``, which was made while the portal ran."""
    _, text = tokens.create("ci", Role.CONTROL, ["dem*"], 1)
    async with Viewer(server) as program:
        program.use_token(text)
        assert await status(program) == 200
        yield program


async def wait_for(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not happened():  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.01)


async def status(viewer: Viewer) -> int:
    async with viewer.get("/api/domains") as response:
        return response.status


async def test_a_token_that_was_just_made_counts_and_stays_within_its_bounds(
    program: Viewer, agent: FakeAgent
) -> None:
    async with program.offer() as response:
        assert response.status == 201
    (grant,) = agent.grants
    assert (grant.name, grant.role) == ("ci", Role.CONTROL)
    async with program.offer(f"/api/domains/{OTHER_UUID}/consoles/0/whep") as response:
        assert await refusal(response) == (404, "no_such_domain")
    async with program.request("POST", f"/api/domains/{UUID}/actions/attach") as response:
        assert await refusal(response) == (403, "role_too_low")
    async with program.request("DELETE", "/api/session") as response:
        assert await refusal(response) == (400, "no_session")


async def test_each_token_ends_its_own_viewers_only(
    program: Viewer, server: Served, script: Viewer, tokens: ApiTokens
) -> None:
    _, text = tokens.create("other", Role.ADMIN, ["*"], 1)
    async with Viewer(server) as other, program.offer() as response:
        location = response.headers["Location"]
        other.use_token(text)
        assert await status(other) == 200
        for stranger in (other, script):
            async with stranger.request("DELETE", location) as response:
                assert await refusal(response) == (404, "no_such_viewer")
        async with program.request("DELETE", location) as response:
            assert response.status == 200


def revoked(tokens: ApiTokens) -> None:
    tokens.revoke("ci")


def over(tokens: ApiTokens) -> None:
    with tokens.file.changing() as records:
        ended = msgspec.structs.replace(records[0].life, ends=1.0, boot_ends=1.0)
        records[0] = msgspec.structs.replace(records[0], life=ended)


def made_readable_for_others(tokens: ApiTokens) -> None:
    tokens.file.path.chmod(0o644)


def damaged(tokens: ApiTokens) -> None:
    tokens.file.path.write_bytes(tokens.file.path.read_bytes()[:-10])


def removed(tokens: ApiTokens) -> None:
    tokens.file.path.unlink()


@pytest.mark.parametrize("happens", [revoked, over, made_readable_for_others, damaged, removed])
async def test_what_a_token_has_open_ends_with_it(
    program: Viewer,
    script: Viewer,
    tokens: ApiTokens,
    agent: FakeAgent,
    happens: Callable[[ApiTokens], None],
) -> None:
    for viewer in (program, script):
        async with viewer.offer() as response:
            assert response.status == 201
    async with program.get("/api/events") as stream:
        await stream.content.readuntil(b"\n\n")
        happens(tokens)
        async with asyncio.timeout(LIMIT_S):
            await stream.content.read()
            await wait_for(lambda: "viewer1" not in agent.viewers)
    assert list(agent.viewers) == ["viewer2"]  # that of the server's own token
    async with program.get("/api/domains") as response:
        assert await refusal(response) == (401, "wrong_token")
    assert await status(script) == 200


async def test_a_right_token_is_never_refused_however_many_wrong_ones_came(
    program: Viewer, viewer: Viewer
) -> None:
    for _ in range(MAX_OF_PAIR + 1):
        viewer.use_token(new_secret(TOKEN_PREFIX))
        async with viewer.get("/api/domains") as response:
            assert response.status in (401, 429)
    assert await status(program) == 200


async def test_a_mistyped_token_is_told_to_be_one(viewer: Viewer) -> None:
    viewer.use_token(new_secret(TOKEN_PREFIX)[:-1])
    async with viewer.get("/api/domains") as response:
        assert response.status == 401
        assert "missing or mistyped" in (await response.json())["message"]


async def test_the_file_tells_that_it_was_used_but_is_not_written_at_each_request(
    program: Viewer, tokens: ApiTokens
) -> None:
    await wait_for(lambda: tokens.file.read()[0].used is not None)
    version = tokens.file.version()
    for _ in range(3):
        assert await status(program) == 200
    await asyncio.sleep(2 * LOOK_S)
    assert tokens.file.version() == version
