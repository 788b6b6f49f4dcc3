"""What somebody has open when the rules, or a domain, change."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.agent.interface import Action
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.portal.auth import sessions
from libvirt_webrtc.portal.auth.guard import tell_gaps
from tests.media.helpers import soon, until
from tests.portal.fakes import OTHER_UUID, UUID, WHEP, FakeAgent, domain, listing, next_list, refusal
from tests.portal.people import people_at, rule

ATTACHABLE = replace(domain("demo"), actions=(Action.ATTACH,), tags=("team",))
OTHER = replace(domain("other"), uuid=OTHER_UUID)


@pytest.fixture(autouse=True)
def two_domains(agent: FakeAgent) -> None:
    agent.lists.set(listing(ATTACHABLE, OTHER))


async def test_the_list_has_what_is_granted_with_role_and_actions(
    agent: FakeAgent, web_folder: Path, tmp_path: Path
) -> None:
    users = ["nothing", "one", "both"]
    rules = [rule(Role.VIEW, "one", domains=["de*"]), rule(Role.OPERATE, "both")]
    async with people_at(tmp_path, web_folder, agent, users, *rules) as people:
        seen = {}
        for name in users:
            async with (await people.viewer(name)).get("/api/domains") as response:
                answer = await response.json()
            assert answer["user"] == {"name": name, "method": "pam"}
            seen[name] = [(each["name"], each["role"], each["actions"]) for each in answer["domains"]]
    assert seen == {
        "nothing": [],
        "one": [("demo", "view", [])],
        "both": [("demo", "operate", ["attach"]), ("other", "operate", [])],
    }


async def test_event_streams_are_filtered_again_at_once_and_silent_about_others(
    agent: FakeAgent, web_folder: Path, tmp_path: Path
) -> None:
    async with people_at(tmp_path, web_folder, agent, ["ann"], rule(Role.VIEW, "ann")) as people:
        ann = await people.viewer("ann")
        async with ann.get("/api/events") as stream:
            assert len((await next_list(stream))["domains"]) == 2
            await people.change(rule(Role.CONTROL, "ann", domains=["other"]))
            assert [(each["name"], each["role"]) for each in (await next_list(stream))["domains"]] == [
                ("other", "control")
            ]
            agent.lists.set(listing(replace(ATTACHABLE, state="paused"), OTHER))
            await people.change()
            assert (await next_list(stream))["domains"] == []


@pytest.mark.parametrize(
    ("after", "stays"),
    [
        ([], False),
        ([rule(Role.VIEW, "ann")], False),
        ([rule(Role.ADMIN, "ann", domains=["other"])], False),
        ([rule(Role.CONTROL, "ann", domains=[UUID])], True),
        ([rule(Role.ADMIN, "ann")], True),
    ],
)
async def test_a_console_ends_where_the_role_went_away_or_down(
    after: list[AccessRule], stays: bool, agent: FakeAgent, web_folder: Path, tmp_path: Path
) -> None:
    rules = [rule(Role.CONTROL, "ann"), rule(Role.ADMIN, "bob")]
    async with people_at(tmp_path, web_folder, agent, ["ann", "bob"], *rules) as people:
        for name in ("ann", "bob"):
            async with (await people.viewer(name)).offer() as response:
                assert response.status == 201
        await people.change(*after, rule(Role.ADMIN, "bob"))
        assert set(agent.viewers) == ({"viewer1", "viewer2"} if stays else {"viewer2"})


async def test_a_console_ends_where_its_domain_lost_the_tag(
    agent: FakeAgent, web_folder: Path, tmp_path: Path
) -> None:
    tagged = AccessRule(Role.CONTROL, users=("ann",), tags=("team",))
    async with people_at(tmp_path, web_folder, agent, ["ann"], tagged) as people:
        async with (await people.viewer("ann")).offer() as response:
            assert response.status == 201
        agent.lists.set(listing(replace(ATTACHABLE, state="paused"), OTHER))
        await asyncio.sleep(0)
        assert agent.viewers
        agent.lists.set(listing(replace(ATTACHABLE, tags=()), OTHER))
        await until(lambda: not agent.viewers)


async def test_a_worker_that_does_not_answer_delays_the_end_of_no_other_console(
    agent: FakeAgent, web_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "CLOSE_WAIT_S", 0.0)
    agent.answering[UUID] = asyncio.Event()
    users = ["ann", "bob"]
    rules = [rule(Role.VIEW, "ann", domains=["demo"]), rule(Role.VIEW, "bob", domains=["other"])]
    async with people_at(tmp_path, web_folder, agent, users, *rules) as people:
        for name, uuid in (("ann", UUID), ("bob", OTHER_UUID)):
            async with (await people.viewer(name)).offer(WHEP.replace(UUID, uuid)) as response:
                assert response.status == 201
        await soon(people.change(rules[1]))
        assert set(agent.viewers) == {"viewer1", "viewer2"}
        await soon(people.change())
        await until(lambda: set(agent.viewers) == {"viewer1"})


@pytest.mark.parametrize("after", [[], [rule(Role.VIEW, "ann")]])
async def test_an_offer_that_is_answered_too_late_is_taken_back(
    after: list[AccessRule], agent: FakeAgent, web_folder: Path, tmp_path: Path
) -> None:
    async with people_at(tmp_path, web_folder, agent, ["ann"], rule(Role.CONTROL, "ann")) as people:
        ann = await people.viewer("ann")
        agent.go.clear()

        async def offer() -> tuple[int, str]:
            async with ann.offer() as response:
                return await refusal(response)

        offering = asyncio.create_task(offer())
        await agent.asked.wait()
        await people.change(*after)
        agent.go.set()
        assert await offering == (403, "role_too_low")
        assert not agent.viewers


async def test_a_way_of_signing_in_without_any_rule_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    tell_gaps(Config(sign_in=SignInConfig(("proxy", "token"))))
    assert "nobody can sign in by proxy: no [[access]] entry is for who does" in caplog.text
