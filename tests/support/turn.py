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
def turn_server(folder: Path, user: str, credential: str) -> Iterator[int]:
    """A coturn on 127.0.0.1, over UDP and TCP; yields its port. Skips the test where coturn is not installed."""
    if shutil.which("turnserver") is None:
        pytest.skip("needs coturn: run tests/run.sh as root")
    port = free_port()
    command = [
        "turnserver",
        "-n",
        "--no-cli",
        "--no-tls",
        "--no-dtls",
        "--lt-cred-mech",
        "--allow-loopback-peers",
    ]
    command += [
        "--listening-ip=127.0.0.1",
        "--relay-ip=127.0.0.1",
        f"--listening-port={port}",
        "--realm=test",
    ]
    command += [f"--user={user}:{credential}", f"--log-file={folder / 'turn.log'}", "--simple-log"]
    command += [f"--pidfile={folder / 'turn.pid'}", f"--userdb={folder / 'turn.db'}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens, "coturn listens")
        yield port
    finally:
        process.terminate()
        process.wait(20)
