"""Share links at the portal: what one opens, and how that ends."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import msgspec
import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
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
from tests.portal.issued.linking import LINKS, OTHER, listed, make, open_link, opened, over, refused


@pytest.fixture
def links(issued_folder: Path) -> ShareLinks:
    """The file, as another process sees it."""
    return ShareLinks(issued_folder, Clocks.of_system())


def beyond(uuid: str, routes: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The requests for a domain, or for anything, of those routes that are not public."""
    found = set()
    for method, route in routes:
        about = "{uuid}" in route or uuid == UUID
        if ROUTES[method, route] is not Need.PUBLIC and about:
            path = route.replace("{uuid}", uuid).replace("{console}", "0").replace("{viewer}", "v")
            found.add((method, path.replace("{action}", "attach").replace("{link}", "0123abcd")))
    return found


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


async def test_a_browser_can_have_several_links_beside_its_users_own_session(
    signed_in: Viewer, agent: FakeAgent
) -> None:
    agent.lists.set(listing(domain(), OTHER))
    own = dict(signed_in.headers)
    cookies, keys = [own["Cookie"]], []
    for uuid in (UUID, OTHER_UUID):
        async with signed_in.request("POST", LINKS.replace(UUID, uuid), own, json={}) as response:
            secret = (await response.json())["secret"]
        told = await open_link(signed_in, secret)
        assert (told["domain"], told["role"]) == (uuid, "view")
        cookies.append(signed_in.headers["Cookie"])
        keys.append(told["key"])
    # All cookies come with each request; the key tells whose page it is.
    together = own | {"Cookie": "; ".join(cookies)}
    for key, uuid, other in zip(keys, (UUID, OTHER_UUID), (OTHER_UUID, UUID), strict=True):
        for each, status in ((uuid, 200), (other, 403)):
            path = f"/api/domains/{each}/consoles/0/stats"
            async with signed_in.request("GET", path, together | {KEY_HEADER: key}) as response:
                assert response.status == status
    async with signed_in.request("GET", "/api/domains", together) as response:
        assert response.status == 200
    for path in ("/", f"/console/{OTHER_UUID}"):
        async with signed_in.request("GET", path, {**together, KEY_HEADER: None}) as response:
            assert response.status == 200


async def test_the_page_of_a_link_that_is_over_says_so(viewer: Viewer) -> None:
    async with viewer.get(f"/console/{UUID}?link=0123abcd") as response:
        assert (response.status, response.headers["Location"]) == (303, "../share#over")


async def test_one_for_one_use_opens_once(signed_in: Viewer, viewer: Viewer, server: Served) -> None:
    _, secret = await make(signed_in, once=True)
    async with opened(server, secret) as guest:
        assert await refused(viewer, secret) == (410, "link_over")
        async with guest.offer() as response:
            assert response.status == 201  # that goes on
    assert [link["opened"] for link in await listed(signed_in)] == [True]


async def test_one_that_is_over_costs_no_look_at_the_file(
    signed_in: Viewer, viewer: Viewer, links: ShareLinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, ending = await make(signed_in)
    await ended(signed_in, links, identity)
    _, used = await make(signed_in, once=True)
    assert (await open_link(viewer, used))["role"] == "view"

    def read_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ShareLinks, "open", read_again)
    for secret in (ending, used):
        assert await refused(viewer, secret) == (410, "link_over")


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
