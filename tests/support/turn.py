"""A real TURN server on loopback."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.portal import free_port
from tests.support.waiting import wait_until


@contextmanager
def turn_server(
    folder: Path,
    *,
    user: tuple[str, str] = ("viewer", "of-this-test"),
    secret: str | None = None,
    max_lifetime_s: int = 3600,
    host: str = "127.0.0.1",
    relay: str = "127.0.0.1",
    certificate: Path | None = None,
) -> Iterator[int]:
    """A coturn on ``host``, over UDP and TCP, that relays at ``relay``; yields its port.

    Skips the test where coturn is not installed.

    Args:
        user: who may relay: a name and a password.
        secret: who has it makes users, and ``user`` is none.
        max_lifetime_s: after which each relay has to be asked for again.
        certificate: of :func:`make_certificate`; then the port takes TLS besides.
    """
    if shutil.which("turnserver") is None:
        pytest.skip("needs coturn: run tests/run.sh as root")
    port = free_port()
    command = ["turnserver", "-n", "--no-cli", "--allow-loopback-peers"]
    if secret is None:
        command += ["--lt-cred-mech", f"--user={':'.join(user)}"]
    else:
        command += ["--use-auth-secret", f"--static-auth-secret={secret}"]
    command += [f"--max-allocate-lifetime={max_lifetime_s}"]
    command += [f"--listening-ip={host}", f"--relay-ip={relay}", f"--listening-port={port}", "--realm=test"]
    command += [f"--log-file={folder / 'turn.log'}", "--simple-log"]
    command += [f"--pidfile={folder / 'turn.pid'}", f"--userdb={folder / 'turn.db'}", "--no-dtls"]
    if certificate is None:
        command += ["--no-tls"]
    else:
        command += [f"--tls-listening-port={port}", f"--cert={certificate}", f"--pkey={certificate}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET

    def listens() -> bool:
        with socket.socket(family) as probe:
            return probe.connect_ex((host, port)) == 0

    try:
        wait_until(listens, "coturn listens")
        yield port
    finally:
        process.terminate()
        process.wait(20)


def make_certificate(folder: Path, host: str) -> Path:
    """A self-signed certificate for an address, with its key, in one file."""
    path = folder / "turn.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-days", "2", "-subj", "/CN=turn", "-addext", f"subjectAltName=IP:{host}"]
    command += ["-keyout", str(path), "-out", str(folder / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (folder / "certificate.pem").read_bytes())
    return path
