"""What ``doctor --connect`` needs of a portal, what it trusts, and its advice on firewalls."""

import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from libvirt_webrtc.cli import main
from libvirt_webrtc.config.ice import IceConfig
from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.doctor.connect import check_connection
from libvirt_webrtc.doctor.findings import Finding
from libvirt_webrtc.doctor.firewall import firewall_advice
from libvirt_webrtc.doctor.portal_client import PortalClient, client_of
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.check import Level
from tests.support.turn import make_certificate

TOKEN = "of-this-test-alone"


class Other:
    """An HTTPS server that notes who asks."""

    def __init__(self) -> None:
        self.tokens: list[str] = []

    async def domains(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers["Authorization"])
        reason = {"state": "failed", "reason": "QEMU is away"}
        return web.json_response({"domains": [{"name": "web1", "uuid": "u", "console": reason}]})


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[tuple[Other, str, str]]:
    """It, its URL, and its certificate's fingerprint."""
    certificate = make_certificate(tmp_path, "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    made = Other()
    app = web.Application()
    app.router.add_get("/api/domains", made.domains)
    server = TestServer(app)
    await server.start_server(ssl=context)
    pem = (tmp_path / "certificate.pem").read_text()
    yield made, str(server.make_url("/")), hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    await server.close()


async def findings(portal: PortalClient, wanted: str | None = None) -> list[Finding]:
    return [finding async for finding in check_connection(portal, IceConfig(), wanted)]


async def test_a_portal_is_known_by_its_fingerprint_and_no_other_gets_the_token(
    other: tuple[Other, str, str],
) -> None:
    server, url, fingerprint = other
    for wrong, why in ((None, "is not trusted"), ("00" * 32, "has another fingerprint")):
        (finding,) = await findings(PortalClient(url, TOKEN, wrong))
        assert finding.level is Level.PROBLEM and why in finding.text
    assert server.tokens == []
    (finding,) = await findings(PortalClient(url, TOKEN, fingerprint), "web1")
    assert finding.text == "the console of web1 cannot be opened: QEMU is away"
    assert server.tokens == [f"Bearer {TOKEN}"]
    (finding,) = await findings(PortalClient(url, TOKEN, fingerprint.upper()), "web2")
    assert finding.text == "it shows no domain web2"
    (finding,) = await findings(PortalClient(url, TOKEN, fingerprint))
    assert finding.text == "no console can be opened now"


async def test_a_portal_that_is_not_there_is_told() -> None:
    (finding,) = await findings(PortalClient("http://127.0.0.1:9", TOKEN))
    assert finding.level is Level.PROBLEM and "http://127.0.0.1:9 cannot be used" in finding.text


def test_without_a_token_or_with_a_wrong_fingerprint_it_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--token-file FILE"):
        client_of(Config(), None, None, None)
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(TOKEN)
    assert client_of(Config(), None, path, None).url == "http://127.0.0.1:8080"
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        client_of(Config(), "https://host", path, "abc")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        client_of(Config(), None, path, None)


def test_its_options_need_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--url", "https://host"]) == 2
    assert "need --connect" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tool", "line"),
    [
        ("firewall-cmd", "firewall-cmd --permanent --add-port=50000-50100/udp"),
        ("ufw", "ufw allow 50000:50100/udp"),
        ("nft", "nft add rule inet filter input udp dport 50000-50100 accept"),
        ("iptables", "iptables -I INPUT -p udp --dport 50000:50100 -j ACCEPT"),
    ],
)
def test_the_line_is_that_of_the_firewall_that_is_here(
    tool: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name if name == tool else None)
    assert line in firewall_advice(PortRange(50000, 50100))


def test_without_a_range_or_a_tool_the_advice_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert firewall_advice(PortRange(50000, 50000)).startswith("let UDP 50000 in, through")
    assert "[ice] ports" in firewall_advice(None)
