"""The certificate while the portal serves: renewed, changed, broken."""

import asyncio
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import STATE_VARIABLE, Config
from libvirt_webrtc.config.tls import TlsConfig
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.tls import portal_certificate
from libvirt_webrtc.portal.tls.certificate import read_certificate
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate
from tests.media.helpers import until
from tests.support.certificates import Authority, Pair


def test_a_pair_that_changed_is_read_at_the_next_look(
    certificate: PortalCertificate, pair: Pair, authority: Authority
) -> None:
    first, context = certificate.present, certificate.context
    certificate.look()
    assert certificate.context is context
    pair.replace_by(authority.sign())
    certificate.look()
    assert certificate.present.fingerprint != first.fingerprint and certificate.context is not context


def test_links_that_lead_elsewhere_are_seen(authority: Authority, tmp_path: Path) -> None:
    """As certbot renews."""
    first, second = authority.sign(), authority.sign()
    live = Pair(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    live.certificate.symlink_to(first.certificate)
    live.key.symlink_to(first.key)
    certificate = PortalCertificate(Config(tls=TlsConfig(live.certificate, live.key)))
    for link, target in ((live.certificate, second.certificate), (live.key, second.key)):
        (tmp_path / "next").symlink_to(target)
        os.replace(tmp_path / "next", link)
    certificate.look()
    assert certificate.present.fingerprint == read_certificate(second.certificate, second.key).fingerprint


def test_half_of_a_pair_is_told_once_and_the_one_before_stays(
    certificate: PortalCertificate, pair: Pair, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    present, context = certificate.present, certificate.context
    new = authority.sign()
    os.replace(new.certificate, pair.certificate)
    certificate.look()
    certificate.look()
    assert (certificate.present, certificate.context) == (present, context)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "is not the key of" in record.message and "from before stays" in record.message
    os.replace(new.key, pair.key)
    certificate.look()
    assert certificate.present.fingerprint != present.fingerprint


async def test_settings_that_name_a_broken_pair_change_nothing(
    certificate: PortalCertificate, pair: Pair, authority: Authority
) -> None:
    present, other = certificate.present, authority.sign()
    with pytest.raises(ConfigError, match="cannot be read"):
        await certificate.reload(Config(tls=TlsConfig(other.certificate, other.key.with_suffix(".no"))))
    with pytest.raises(ConfigError, match="waits for a restart"):
        await certificate.reload(Config())
    pair.replace_by(authority.sign())
    certificate.look()
    assert certificate.present.certificate == pair.certificate, "the settings before still count"
    assert certificate.present.fingerprint != present.fingerprint
    await certificate.reload(Config(tls=TlsConfig(other.certificate, other.key)))
    assert certificate.present.certificate == other.certificate


def test_the_operators_certificate_is_warned_of_before_and_after_its_end(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC)
    settings = Config(tls=TlsConfig(pair.certificate, pair.key))
    certificate = PortalCertificate(settings, clock=lambda: now)
    assert not caplog.records
    now = certificate.present.ends - timedelta(days=13, hours=1)
    certificate.look_at_age()
    now = certificate.present.ends
    certificate.look_at_age()
    assert ["ends in 13 days" in caplog.messages[0], "browsers refuse it" in caplog.messages[1]] == [
        True,
        True,
    ]
    PortalCertificate(settings, clock=lambda: now)
    assert len(caplog.messages) == 3, "it is served all the same"


def test_the_made_one_is_renewed_while_the_portal_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    now = datetime.now(UTC)
    certificate = PortalCertificate(Config(listen=ListenAddress("0.0.0.0", 8443)), clock=lambda: now)
    first = certificate.present
    assert certificate.made and first.certificate == tmp_path / "tls" / "certificate.pem"
    now = first.ends - timedelta(days=29)
    certificate.look_at_age()
    certificate.look()
    assert certificate.present.ends > first.ends


async def test_it_is_followed_by_itself(
    certificate: PortalCertificate, pair: Pair, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal_certificate, "LOOK_S", 0.01)
    first = certificate.present
    following = asyncio.create_task(certificate.follow())
    pair.replace_by(authority.sign())
    await until(lambda: certificate.present != first)
    following.cancel()
    await asyncio.wait([following])
