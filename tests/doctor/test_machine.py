"""Users and ports of bad worlds."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.doctor.machine import (
    SystemUser,
    check_libvirt_group,
    check_port,
    check_token_file,
)
from libvirt_webrtc.hook.check import Level
from tests.doctor.users import ENTERED, MEMBER, ROOT, STRANGER


@pytest.mark.parametrize(
    ("user", "session", "connected", "level"),
    [
        (ROOT, False, True, Level.OK),
        (MEMBER, False, True, Level.OK),
        (STRANGER, True, True, Level.OK),
        (STRANGER, False, True, Level.WARNING),
        (STRANGER, False, False, Level.PROBLEM),
        (ENTERED, False, False, Level.PROBLEM),
    ],
)
def test_group_libvirt(user: SystemUser, session: bool, connected: bool, level: Level) -> None:
    finding = check_libvirt_group(user, session=session, connected=connected)
    assert finding.level is level
    assert (finding.remedy is not None) == (level is not Level.OK)


def test_member_from_the_next_login_on_is_told_to_log_in() -> None:
    assert check_libvirt_group(ENTERED, session=False, connected=False).remedy == "log in anew"


def test_present_user_is_read() -> None:
    assert SystemUser.current().uid == os.geteuid()


class Portal(BaseHTTPRequestHandler):
    """Answers /healthz as the portal does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "ok", "version": "1.2.3"}).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Portal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def listening_on(port: int) -> Config:
    return Config(listen=ListenAddress("127.0.0.1", port))


def test_port_free_taken_and_served_by_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libvirt_webrtc.doctor.machine.HEALTH_S", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finding = check_port(listening_on(port))
        assert finding.level is Level.PROBLEM and "another program" in finding.text
    assert check_port(listening_on(port)).level is Level.OK
    with serving() as port:
        finding = check_port(listening_on(port))
        assert finding.level is Level.OK and "1.2.3" in finding.text


def test_token_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    assert check_token_file(Config()).level is Level.OK
    assert check_token_file(Config(token_file=token)).level is Level.OK
    token.touch(mode=0o600)
    assert check_token_file(Config(token_file=token)).level is Level.OK
    token.chmod(0o644)
    assert check_token_file(Config(token_file=token)).remedy == f"chmod 600 {token}"
    assert check_token_file(Config(token_file=tmp_path / "no" / "token")).level is Level.PROBLEM
