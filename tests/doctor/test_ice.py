"""STUN and TURN servers that answer, refuse and are silent."""

import socket

import pytest

from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.doctor.findings import Finding
from libvirt_webrtc.doctor.ice import check_ice
from libvirt_webrtc.hook.check import Level
from tests.support.stun_server import RELAYED, stun_server


async def check(url: str, credential: str = "secret", deadline_s: float = 30.0) -> Finding:
    (finding,) = await check_ice(IceConfig((IceServer((url,), "user", credential),)), deadline_s)
    return finding


async def test_stun_server_that_answers() -> None:
    async with stun_server() as (_, port):
        finding = await check(f"stun:127.0.0.1:{port}")
    assert finding.level is Level.OK and "127.0.0.1:" in finding.text


async def test_turn_server_relays_and_gets_its_allocation_back() -> None:
    async with stun_server() as (server, port):
        finding = await check(f"turn:127.0.0.1:{port}")
        assert finding.level is Level.OK and f"{RELAYED[0]}:{RELAYED[1]}" in finding.text
        assert server.freed


async def test_turn_server_that_refuses_the_credentials() -> None:
    async with stun_server() as (_, port):
        finding = await check(f"turn:127.0.0.1:{port}", "wrong")
    assert finding.level is Level.PROBLEM and "credentials" in finding.text
    assert finding.remedy is not None


@pytest.mark.parametrize("scheme", ["stun", "turn"])
async def test_server_that_is_silent(scheme: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        finding = await check(f"{scheme}:127.0.0.1:{silent.getsockname()[1]}", deadline_s=0.2)
    assert finding.level is Level.PROBLEM and "does not answer" in finding.text


@pytest.mark.parametrize(
    "url", ["turn:127.0.0.1:10?transport=tcp", "stun:127.0.0.1:10", "stun:no-such-host.invalid"]
)
async def test_server_that_is_not_there(url: str) -> None:
    finding = await check(url)
    assert finding.level is Level.PROBLEM and finding.remedy is not None


async def test_what_the_configuration_says_itself() -> None:
    (finding,) = await check_ice(IceConfig(problem="a placeholder is left"))
    assert finding.level is Level.PROBLEM and finding.text == "a placeholder is left"
    (finding,) = await check_ice(IceConfig())
    assert finding.level is Level.OK


async def test_server_that_only_browsers_can_use() -> None:
    finding = await check("turns:127.0.0.1?transport=udp")
    assert finding.level is Level.WARNING and "this host cannot" in finding.text
    assert finding.remedy is not None
