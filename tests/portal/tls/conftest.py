"""An authority, and a portal that is served over HTTPS."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.tls import TlsConfig
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.host_names import HostNames
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate
from libvirt_webrtc.portal.web_files import WebFiles
from tests.portal.fakes import TOKEN, FakeAgent, Served
from tests.support.certificates import Authority, Pair

LISTEN = ListenAddress(port=0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return authority.sign()


@pytest.fixture
def certificate(pair: Pair) -> PortalCertificate:
    return PortalCertificate(Config(listen=LISTEN, tls=TlsConfig(pair.certificate, pair.key)))


@pytest.fixture
async def secure(agent: FakeAgent, certificate: PortalCertificate, web_folder: Path) -> AsyncIterator[Served]:
    """A portal on 127.0.0.1 with the operator's certificate, which bounds strangers to four connections."""
    names = HostNames(LISTEN, certificate=certificate)
    app = create_app(agent, Config(listen=LISTEN), TOKEN, names=names, web_files=WebFiles.load(web_folder))
    async with Served(app, ConnectionLimits(strangers=4), certificate) as served:
        yield served
