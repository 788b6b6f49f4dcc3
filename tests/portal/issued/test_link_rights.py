"""Share links at the portal: who may make, see and revoke which."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.share import ShareConfig
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.issued.api_tokens import ApiTokens
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.share_links import ShareLinks
from tests.media.helpers import until
from tests.portal.fakes import (
    OTHER_UUID,
    UUID,
    FakeAgent,
    Serve,
    Viewer,
    domain,
    listing,
    refusal,
)
from tests.portal.issued.linking import LINKS, listed, make, opened, over, refused


@pytest.fixture
def links(issued_folder: Path) -> ShareLinks:
    """The file, as another process sees it."""
    return ShareLinks(issued_folder, Clocks.of_system())


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


async def test_who_takes_a_link_back_is_told_once_the_user_here_or_the_operators_command(
    anna: tuple[Viewer, Viewer], links: ShareLinks, caplog: pytest.LogCaptureFixture
) -> None:
    _, admin = anna
    caplog.set_level(logging.INFO, "libvirt_webrtc.audit")

    def revocations() -> list[tuple[str, str | None]]:
        lines = [json.loads(one.getMessage()) for one in caplog.records if one.name == "libvirt_webrtc.audit"]
        found = [line for line in lines if line["event"] == "link" and line["change"] == "revoked"]
        assert all(line["domain"] == UUID for line in found)
        return [(line["link"], line.get("user")) for line in found]

    by_user, _ = await make(admin)
    async with admin.request("DELETE", f"{LINKS}/{by_user}") as response:
        assert response.status == 204
    by_command, _ = await make(admin)
    links.revoke(by_command)
    await until(lambda: len(revocations()) == 2)
    assert revocations() == [(by_user, "admin"), (by_command, None)]
