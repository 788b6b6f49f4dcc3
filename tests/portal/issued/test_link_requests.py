"""Share links at the portal: who makes which, what one opens, and how that ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.share import ShareConfig
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.issued.api_tokens import ApiTokens
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.secret_text import LINK_PREFIX, new_secret
from libvirt_webrtc.portal.issued.share_links import ShareLinks
from libvirt_webrtc.portal.routes.rights import FOR_LINKS, ROUTES, Need
from tests.portal.fakes import (
    OTHER_UUID,
    UUID,
    FakeAgent,
    FakeClock,
    Serve,
    Served,
    Viewer,
    domain,
    listing,
    refusal,
)

LINKS = f"/api/domains/{UUID}/links"
LIMIT_S = 30.0
OTHER = replace(domain("other"), uuid=OTHER_UUID)


@pytest.fixture
def links(issued_folder: Path) -> ShareLinks:
    """The file, as another process sees it."""
    return ShareLinks(issued_folder, Clocks.of_system())


async def make(maker: Viewer, **wish: Any) -> tuple[str, str]:
    """A new link's ID and secret."""
    async with maker.request("POST", LINKS, json=wish) as response:
        assert response.status == 201, await response.text()
        made = await response.json()
        return made["link"]["id"], made["secret"]


async def listed(viewer: Viewer) -> list[dict[str, Any]]:
    async with viewer.get(LINKS) as response:
        assert response.status == 200
        found: list[dict[str, Any]] = (await response.json())["links"]
        return found


async def open_link(viewer: Viewer, secret: str) -> dict[str, Any]:
    """Become the session that a link opens."""
    headers = {"Origin": viewer.origin}
    async with viewer.request("POST", "/api/share", headers, json={"secret": secret}) as response:
        assert response.status == 200, await response.text()
        told: dict[str, Any] = await response.json()
        cookie = response.cookies[viewer.cookie_name].value
    viewer.headers = {
        "Cookie": f"{viewer.cookie_name}={cookie}",
        KEY_HEADER: told["key"],
        "Origin": viewer.origin,
    }
    return told


async def refused(viewer: Viewer, secret: str) -> tuple[int, str]:
    async with viewer.request("POST", "/api/share", json={"secret": secret}) as response:
        return await refusal(response)


@asynccontextmanager
async def opened(server: Served, secret: str) -> AsyncIterator[Viewer]:
    """Somebody who opened a link."""
    async with Viewer(server) as guest:
        await open_link(guest, secret)
        yield guest


def beyond(uuid: str, routes: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The requests for a domain, or for anything, of those routes that are not public."""
    found = set()
    for method, route in routes:
        about = "{uuid}" in route or uuid == UUID
        if ROUTES[method, route] is not Need.PUBLIC and about:
            path = route.replace("{uuid}", uuid).replace("{console}", "0").replace("{viewer}", "v")
            found.add((method, path.replace("{action}", "attach").replace("{link}", "0123abcd")))
    return found


async def over(guest: Viewer) -> None:
    """Wait until the guest's session has ended."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            async with guest.get("/api/events") as response:
                if response.status == 401:
                    return
                await response.content.read()


async def test_a_link_opens_its_console_and_nothing_else(
    signed_in: Viewer, server: Served, agent: FakeAgent, clock: FakeClock
) -> None:
    agent.lists.set(listing(domain(), OTHER))
    identity, secret = await make(signed_in, role="control", seconds=600)
    async with opened(server, secret) as guest:
        async with guest.offer() as response:
            assert response.status == 201
            location = response.headers["Location"]
        assert (agent.grants[0].name, agent.grants[0].role) == (f"link {identity}", Role.CONTROL)
        assert agent.grants[0].until is not None and 590 < agent.grants[0].until - clock.now <= 600
        async with guest.get(f"/console/{UUID}") as response:
            assert response.status == 200
        for path in ("/webrtc-config", f"/api/domains/{UUID}/consoles/0/stats"):
            async with guest.get(path) as response:
                assert response.status == 200
        for method, path in beyond(UUID, set(ROUTES) - FOR_LINKS) | beyond(OTHER_UUID, FOR_LINKS):
            async with guest.request(method, path) as response:
                assert await refusal(response) == (403, "not_by_link"), (method, path)
        # As a browser opens pages: with the cookie alone.
        for path, status in (("/", 303), (f"/console/{OTHER_UUID}", 303), (f"/console/{UUID.upper()}", 200)):
            async with guest.request("GET", path, {KEY_HEADER: None}) as response:
                assert response.status == status
        async with guest.request("DELETE", location) as response:
            assert response.status == 200


async def test_opening_one_replaces_the_session_that_the_browser_had(
    signed_in: Viewer, server: Served
) -> None:
    _, secret = await make(signed_in)
    before = dict(signed_in.headers)
    told = await open_link(signed_in, secret)
    assert (told["domain"], told["role"]) == (UUID, "view")
    async with signed_in.request("GET", "/api/domains", before) as response:
        assert response.status == 401


async def test_one_for_one_use_opens_once(signed_in: Viewer, viewer: Viewer, server: Served) -> None:
    _, secret = await make(signed_in, once=True)
    async with opened(server, secret) as guest:
        assert await refused(viewer, secret) == (410, "link_over")
        async with guest.offer() as response:
            assert response.status == 201  # that goes on
    assert [link["opened"] for link in await listed(signed_in)] == [True]


async def revoked(maker: Viewer, links: ShareLinks, identity: str) -> None:
    async with maker.request("DELETE", f"{LINKS}/{identity}") as response:
        assert response.status == 204
    async with maker.request("DELETE", f"{LINKS}/{identity}") as response:
        assert await refusal(response) == (404, "no_such_link")


async def ended(maker: Viewer, links: ShareLinks, identity: str) -> None:
    with links.file.changing() as records:
        life = msgspec.structs.replace(records[0].life, ends=1.0, boot_ends=1.0)
        records[0] = msgspec.structs.replace(records[0], life=life)


async def damaged(maker: Viewer, links: ShareLinks, identity: str) -> None:
    links.file.path.write_text("{")


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (revoked, (401, "no_such_link")),
        (ended, (410, "link_over")),
        (damaged, (401, "no_such_link")),
    ],
)
async def test_what_a_link_opened_ends_with_it(
    signed_in: Viewer,
    server: Served,
    agent: FakeAgent,
    links: ShareLinks,
    happens: Callable[[Viewer, ShareLinks, str], Awaitable[None]],
    told: tuple[int, str],
) -> None:
    identity, secret = await make(signed_in)
    async with opened(server, secret) as guest:
        for viewer in (guest, signed_in):
            async with viewer.offer() as response:
                assert response.status == 201
        await happens(signed_in, links, identity)
        await over(guest)
        assert list(agent.viewers) == ["viewer2"]
        assert await refused(guest, secret) == told


async def test_a_link_outlives_its_makers_session_and_the_service(
    signed_in: Viewer, server: Served, serve: Serve, issued_folder: Path
) -> None:
    _, secret = await make(signed_in)
    async with signed_in.request("DELETE", "/api/session") as response:
        assert response.status == 204
    async with opened(server, secret) as guest, guest.offer() as response:
        assert response.status == 201
    async with opened(await serve(Config()), secret) as guest, guest.offer() as response:
        assert response.status == 201


@pytest.mark.parametrize(
    "wish",
    [
        {"role": "admin"},
        {"role": "operate"},
        {"role": 1},
        {"seconds": 59},
        {"seconds": 7 * 24 * 3600 + 1},
        {"seconds": 600.5},
        {"seconds": True},
        {"once": 1},
        {"more": 1},
        [],
    ],
)
async def test_a_wish_that_cannot_be_is_refused(signed_in: Viewer, wish: object) -> None:
    async with signed_in.request("POST", LINKS, json=wish) as response:
        assert await refusal(response) == (400, "bad_request")
    assert await listed(signed_in) == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"secret": 1}', b'{"secret": "x", "more": 1}', b"\xff"]
)
async def test_a_malformed_opening_is_refused_and_counts_as_no_guess(viewer: Viewer, body: bytes) -> None:
    for _ in range(6):
        async with viewer.request("POST", "/api/share", data=body) as response:
            assert await refusal(response) == (400, "bad_request")


async def test_guesses_are_slowed_down_and_a_right_secret_never_is(
    signed_in: Viewer, viewer: Viewer, server: Served
) -> None:
    _, secret = await make(signed_in)
    assert [await refused(viewer, new_secret(LINK_PREFIX)) for _ in range(6)] == [
        *[(401, "no_such_link")] * 5,
        (429, "too_many_failures"),
    ]
    async with opened(server, secret):
        pass


async def test_a_foreign_page_cannot_open_one(signed_in: Viewer, viewer: Viewer) -> None:
    _, secret = await make(signed_in)
    evil = {"Origin": "https://evil.example"}
    async with viewer.request("POST", "/api/share", evil, json={"secret": secret}) as response:
        assert await refusal(response) == (403, "wrong_origin")


@pytest.fixture
async def anna(issued_folder: Path, serve: Serve) -> AsyncIterator[tuple[Viewer, Viewer]]:
    """Two programs on one portal: one that may see the domain, and one that is its admin."""
    tokens = ApiTokens(issued_folder, Clocks.of_system())
    server = await serve(Config())
    async with Viewer(server) as seer, Viewer(server) as admin:
        for viewer, name, role in ((seer, "seer", Role.VIEW), (admin, "admin", Role.ADMIN)):
            viewer.use_token(tokens.create(name, role, ["demo"], 1)[1])
        yield seer, admin


async def test_nobody_gives_more_than_they_have_and_only_admins_see_others_links(
    anna: tuple[Viewer, Viewer], issued_folder: Path
) -> None:
    seer, admin = anna
    async with seer.request("POST", LINKS, json={"role": "control"}) as response:
        assert await refusal(response) == (403, "role_too_low")
    mine, secret = await make(seer)
    theirs, _ = await make(admin, role="control")
    assert [link["id"] for link in await listed(seer)] == [mine]
    assert [(link["id"], link["owner"]) for link in await listed(admin)] == [
        (theirs, "admin"),
        (mine, "seer"),
    ]
    async with seer.get(LINKS) as response:
        assert (await response.json())["roles"] == ["view"]
    async with seer.request("DELETE", f"{LINKS}/{theirs}") as response:
        assert await refusal(response) == (404, "no_such_link")
    # What a token made ends with it.
    async with opened(seer.server, secret) as guest:
        ApiTokens(issued_folder, Clocks.of_system()).revoke("seer")
        await over(guest)
        assert await refused(guest, secret) == (410, "link_over")
    assert [link["id"] for link in await listed(admin)] == [theirs]
    async with admin.request("DELETE", f"{LINKS}/{theirs}") as response:
        assert response.status == 204


async def test_a_link_gives_no_more_than_its_maker_has_by_then(
    serve: Serve, links: ShareLinks, agent: FakeAgent
) -> None:
    ann = User("ann", Method.PAM)
    _, secret = links.create(UUID, Role.CONTROL, 600, ann, once=True)
    rule = AccessRule(Role.VIEW, users=("ann",), domains=("demo",))
    signing_in = SignInConfig(("token", "pam"))
    for config in (Config(sign_in=signing_in), Config(access=(rule,))):
        async with Viewer(await serve(config)) as guest:
            assert await refused(guest, secret) == (410, "link_over")  # and it is not used up by that
    server = await serve(Config(access=(rule,), sign_in=signing_in))
    async with opened(server, secret) as guest, guest.offer() as response:
        assert response.status == 201
    assert agent.grants[0].role is Role.VIEW


async def test_a_domain_of_the_same_name_is_another(
    signed_in: Viewer, viewer: Viewer, agent: FakeAgent
) -> None:
    _, secret = await make(signed_in)
    agent.lists.set(listing(replace(domain(), uuid=OTHER_UUID)))
    assert await refused(viewer, secret) == (410, "link_over")


async def test_an_operator_can_forbid_links(serve: Serve, links: ShareLinks) -> None:
    _, secret = links.create(UUID, Role.VIEW, 600, User("token", Method.TOKEN), once=False)
    async with Viewer(await serve(Config(share=ShareConfig(0)))) as viewer:
        assert await refused(viewer, secret) == (410, "link_over")
        await viewer.sign_in()
        async with viewer.request("POST", LINKS, json={}) as response:
            assert await refusal(response) == (403, "no_links")
