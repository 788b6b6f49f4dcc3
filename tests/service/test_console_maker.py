"""What the log says at the start, and what workers are told of the network."""

import logging
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.portal import PortalConfig, PublicUrl
from libvirt_webrtc.service import console_maker
from libvirt_webrtc.service.console_maker import ConsoleMaker
from libvirt_webrtc.service.worker_supervisor import DisplaySource
from libvirt_webrtc.worker.settings import WorkerSettings

LOGGER = console_maker.__name__
SECRET = "of-this-test-alone"


async def told(
    ice: IceConfig, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    monkeypatch.setattr(console_maker, "survey", list)
    monkeypatch.setattr(console_maker, "warm_up", lambda: None)
    with caplog.at_level(logging.INFO, logger=LOGGER):
        await ConsoleMaker(Config(ice=ice)).prepare()
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


async def test_the_servers_are_named_that_this_host_uses_and_those_that_it_cannot(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = ("turns:a?transport=udp", "turn:b", "turns:c")
    assert await told(IceConfig((IceServer(urls, "u", "secret"),)), caplog, monkeypatch) == [
        "turns:a:5349?transport=udp is for browsers only: this host cannot use it",
        "workers ask these servers, the next where one gives nothing: "
        "turn:b:3478?transport=udp, turns:c:5349?transport=tcp",
    ]


async def test_without_servers_nothing_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await told(IceConfig(), caplog, monkeypatch) == []


async def test_a_mistake_with_which_nobody_connects_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await told(IceConfig(problem="no credential"), caplog, monkeypatch)
    assert found == ["viewers cannot connect: no credential"]


async def test_a_worker_gets_credentials_and_not_the_secret_that_makes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[WorkerSettings, Callable[[], tuple[IceServer, ...]]]] = []

    def supervisor(
        settings: WorkerSettings, *_: object, ice_servers: Callable[[], Any], **__: object
    ) -> None:
        made.append((settings, ice_servers))

    monkeypatch.setattr(console_maker, "WorkerSupervisor", supervisor)
    ice = IceConfig((IceServer(("turn:turn.example",)),), ports=PortRange(50000, 50001), secret=SECRET)

    async def display() -> int:
        return -1

    ConsoleMaker(Config(ice=ice)).make("demo", DisplaySource(display), lambda: None, gl=False)
    ((settings, servers),) = made
    assert settings.ice_ports == ice.ports
    first, second = servers(), servers()
    assert first[0].username != second[0].username and first[0].credential
    assert SECRET.encode() not in pickle.dumps((settings, first))


@pytest.mark.parametrize(
    ("config", "offered"),
    [
        (Config(), True),
        (Config(listen=ListenAddress("::1")), True),
        (Config(listen=ListenAddress("0.0.0.0")), False),
        (Config(portal=PortalConfig(PublicUrl.parse("https://vm.example/", "here"))), False),
    ],
)
def test_loopback_is_offered_where_browsers_are_on_this_machine(
    config: Config, offered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[WorkerSettings] = []
    monkeypatch.setattr(console_maker, "WorkerSupervisor", lambda settings, *_, **__: made.append(settings))

    async def display() -> int:
        return -1

    ConsoleMaker(config).make("demo", DisplaySource(display), lambda: None, gl=False)
    assert [settings.offer_loopback for settings in made] == [offered]
