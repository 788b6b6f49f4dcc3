import asyncio
import logging

import pytest

from libvirt_webrtc.errors import WorkerGone
from libvirt_webrtc.portal.headers import HEADERS
from tests.portal.fakes import TOKEN, WHEP, FakeAgent, Served, Viewer, refusal

PATHS = [
    "/healthz",
    "/login",
    "/",
    "/static/core/session.js",
    "/static/missing.js",
    "/api/domains",
    "/nowhere",
]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_carries_the_security_headers(viewer: Viewer, path: str) -> None:
    async with viewer.get(path) as response:
        assert {name: response.headers[name] for name in HEADERS} == HEADERS


async def test_an_event_stream_carries_the_security_headers(signed_in: Viewer) -> None:
    async with signed_in.get("/api/events") as response:
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example",
        "192.0.2.1:{port}",
        "localhost:x",
        "localhost:\u0663",
        "localhost:123456",
        "[::1]x",
        "[::1",
        "",
    ],
)
async def test_a_foreign_host_is_refused(script: Viewer, host: str) -> None:
    async with script.get("/api/domains", headers={"Host": host.format(port=script.server.port)}) as response:
        assert await refusal(response) == (403, "wrong_host")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9000", "127.0.0.1:{port}", "[::1]:8080", "127.0.0.2"]
)
async def test_names_of_this_machine_are_taken_with_any_port(script: Viewer, host: str) -> None:
    async with script.get("/api/domains", headers={"Host": host.format(port=script.server.port)}) as response:
        assert response.status == 200


async def test_a_request_without_a_host_is_refused(server: Served) -> None:
    assert server.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert b" 403 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_an_unknown_path_and_method_are_refused_as_json(viewer: Viewer) -> None:
    async with viewer.get("/nowhere") as response:
        assert await refusal(response) == (404, "not_found")
    async with viewer.request("PUT", "/api/session") as response:
        assert await refusal(response) == (405, "method_not_allowed")
        assert response.headers["Allow"] == "DELETE,POST"


async def test_the_token_is_never_logged(
    viewer: Viewer, script: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await viewer.sign_in()
    async with viewer.login("another-guess"), script.offer():
        pass
    assert caplog.records
    assert TOKEN not in caplog.text and "another-guess" not in caplog.text


async def test_shutdown_ends_open_event_streams(server: Served, script: Viewer, agent: FakeAgent) -> None:
    async with Viewer(server) as browser:
        await browser.sign_in()
        async with browser.get("/api/events") as page, script.get("/api/events") as program:
            await page.content.readuntil(b"\n\n")
            await program.content.readuntil(b"\n\n")
            async with asyncio.timeout(10):  # far below aiohttp's own minute
                await server.close()
            assert await page.content.read() == b""
            assert await program.content.read() == b""
    assert agent.watchers == 0


async def test_an_unexpected_error_is_logged_and_tells_nothing(
    script: Viewer, agent: FakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    agent.error = ZeroDivisionError("inner matters")
    async with script.offer(WHEP) as response:
        assert "inner matters" not in await response.text()
        assert await refusal(response) == (500, "internal")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("error", [ZeroDivisionError("why"), WorkerGone("why")])
async def test_what_a_client_can_make_fail_again_and_again_is_one_line_in_the_log(
    script: Viewer, agent: FakeAgent, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    agent.error = error
    for _ in range(20):
        async with script.offer(WHEP) as response:
            assert response.status >= 500
    assert len(caplog.records) == 1
