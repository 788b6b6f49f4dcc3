"""Real TLS on a real port: what is taken, what is refused, and who only pretends to begin it."""

import asyncio
import gc
import logging
import ssl
import subprocess
from asyncio import sslproto
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import STATE_VARIABLE, Config
from libvirt_webrtc.portal.tls import accepting
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate
from tests.media.helpers import soon, until
from tests.portal.fakes import Served
from tests.support.certificates import Authority, Pair

PORTAL = "portal.example.org"

OLD_VERSIONS = [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1]
FORWARD_SECRET = {"AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"}


def client(*, ciphers: str = "", version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Somebody who would take anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED if version is None else version
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED if version is None else version
    context.set_ciphers(f"{ciphers or 'ALL'}:@SECLEVEL=0")
    return context


def ciphers_of_1_2() -> list[str]:
    """All that OpenSSL knows for TLS 1.2, the weakest included."""
    command = ["openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [cipher for cipher in listed.strip().split(":") if not cipher.startswith("TLS_")]


async def greet(served: Served, context: ssl.SSLContext, name: str | None = None) -> ssl.SSLObject:
    """What was agreed on. Raises SSLError, or ConnectionError, where nothing was."""
    reader, writer = await soon(
        asyncio.open_connection("127.0.0.1", served.port, ssl=context, server_hostname=name or PORTAL)
    )
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in await soon(reader.readline())
        agreed: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return agreed
    finally:
        writer.close()


async def ask(served: Served, text: bytes) -> bytes:
    """All that comes back to what is sent without TLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(text)
        return await soon(reader.read())
    finally:
        writer.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
async def test_versions_before_1_2_are_refused(secure: Served) -> None:
    for version in OLD_VERSIONS:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await greet(secure, client(version=version))
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        assert (await greet(secure, client(version=version))).version() == name


@pytest.mark.parametrize("kind", ["ECDSA", "RSA"])
async def test_of_all_ciphers_only_the_forward_secret_ones_are_taken(
    secure: Served, pair: Pair, authority: Authority, certificate: PortalCertificate, kind: str
) -> None:
    if kind == "RSA":
        pair.replace_by(authority.sign(key=rsa.generate_private_key(65537, 2048)))
        certificate.look()
    taken, refused = set(), 0
    for cipher in ciphers_of_1_2():
        try:
            await greet(secure, client(ciphers=cipher, version=ssl.TLSVersion.TLSv1_2))
        except (ssl.SSLError, ConnectionError):
            refused += 1
        else:
            taken.add(cipher)
    assert taken == {f"ECDHE-{kind}-{name}" for name in FORWARD_SECRET} and refused > 20


async def test_browsers_are_told_http_1_1_and_get_a_certificate_that_is_for_the_name(
    secure: Served, authority: Authority
) -> None:
    context = ssl.create_default_context(cafile=str(authority.root))
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert (await greet(secure, context)).selected_alpn_protocol() == "http/1.1"
    with pytest.raises(ssl.SSLCertVerificationError):
        await greet(secure, context, "other.example.org")


async def test_whoever_trusts_the_made_certificate_is_warned_of_nothing(
    secure: Served, certificate: PortalCertificate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    made = PortalCertificate(Config(listen=ListenAddress("198.51.100.1", 1)))
    certificate.context = made.context
    context = ssl.create_default_context(cafile=str(made.present.certificate))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in ("198.51.100.1", "localhost", "127.0.0.1"):
        await greet(secure, context, name)


async def test_a_changed_certificate_is_for_the_next_connection_and_ends_none(
    secure: Served, certificate: PortalCertificate, pair: Pair, authority: Authority
) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", secure.port, ssl=client(), server_hostname=PORTAL
    )
    old = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    pair.replace_by(authority.sign())
    certificate.look()
    new = (await greet(secure, client())).getpeercert(binary_form=True)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"200 OK" in await soon(reader.readline())
    assert old != new and certificate.present.certificate == pair.certificate
    writer.close()


async def test_a_page_asked_for_in_the_clear_is_sent_to_https(secure: Served) -> None:
    answer = await ask(secure, b"GET /console/1?x=%20 HTTP/1.1\r\nX: y\r\nHost: hv1:8443\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 307 ")
    assert b"\r\nLocation: https://hv1:8443/console/1?x=%20\r\n" in answer
    assert b"Content-Security-Policy: default-src 'none'" in answer and b"no-store" in answer


@pytest.mark.parametrize(
    "request_text",
    [
        b'POST /api/session HTTP/1.1\r\nHost: hv1\r\n\r\n{"token": "secret"}',
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: hv1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: hv1/\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: hv1\r\n\r\n",
        b"x" * 9000,
    ],
)
async def test_anything_else_in_the_clear_is_told_that_it_was(secure: Served, request_text: bytes) -> None:
    answer = await ask(secure, request_text)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"readable for everybody" in answer
    assert b"Location" not in answer and b"secret" not in answer


async def test_who_begins_nothing_is_ended_in_time(secure: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "HANDSHAKE_S", 0.2)
    assert await ask(secure, b"") == b""
    assert await ask(secure, b"\x16\x03\x01") == b""
    assert await ask(secure, b"GET / HTTP/1.1\r\n") == b""
    await greet(secure, client())
    await until(lambda: len(secure.listener.connections) == 0)


async def test_those_that_have_not_begun_are_bounded_with_all_strangers(secure: Served) -> None:
    """Four may be there, of which each new one ends the oldest: somebody who begins TLS is served at once."""
    silent = [await asyncio.open_connection("127.0.0.1", secure.port) for _ in range(12)]
    await until(lambda: sum(reader.at_eof() for reader, _ in silent) >= 8)
    assert len(secure.listener.connections) <= 4
    for _ in range(3):
        await greet(secure, client())
    for _, writer in silent:
        writer.close()


async def test_what_is_no_tls_ends_its_own_connection_and_says_nothing(
    secure: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for garbage in (b"\x16" * 600, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 600):
        await ask(secure, garbage)
    await greet(secure, client())
    assert not caplog.records


async def test_a_connection_reads_into_a_small_buffer_whatever_comes(secure: Served) -> None:
    """asyncio's of 256 KiB each make a flood of connections dear."""
    context = client()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", secure.port, ssl=context, server_hostname=PORTAL
    )
    body = b"x" * 60_000
    head = f"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    assert b" 400 " in await soon(reader.readline())
    gc.collect()
    protocols = [one for one in gc.get_objects() if isinstance(one, sslproto.SSLProtocol)]
    assert any(len(one._ssl_buffer) == accepting.READ_BYTES for one in protocols)  # type: ignore[attr-defined]
    writer.close()


async def test_the_end_does_not_wait_for_who_has_not_begun(secure: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", secure.port)
    await until(lambda: len(secure.listener.connections) == 1)
    await soon(secure.close())
    assert await soon(reader.read()) == b""
    writer.close()
